/** Am I needed? Sign-in is, wherever the engine says so or the session's account can no longer be used. */
import { interactionPolicy } from 'oidc-provider'

export function loginPrompt(): interactionPolicy.Prompt {
  const prompt = interactionPolicy.base().get('login')
  if (!prompt) throw new Error('the engine has no login prompt')
  prompt.checks.add(
    new interactionPolicy.Check(
      'account_unavailable',
      'the account of this session can no longer be used',
      'login_required',
      (ctx) => Boolean(ctx.oidc.session?.accountId && !ctx.oidc.account)
    )
  )
  return prompt
}
