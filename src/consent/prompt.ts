/** Am I needed? The consent page is, until a Grant has been made from what the person decided. */
import { interactionPolicy } from 'oidc-provider'

export function consentPrompt(): interactionPolicy.Prompt {
  return new interactionPolicy.Prompt(
    { name: 'consent', requestable: true },
    // The engine gives an authorization without a Grant an unsaved one, which has no id.
    new interactionPolicy.Check('not_decided', 'the person has to decide', 'consent_required', (ctx) => !ctx.oidc.grant?.jti)
  )
}
