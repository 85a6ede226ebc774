/** Am I needed? Sign-in is, wherever the engine says so or the session's account can no longer be used. */
import { interactionPolicy } from 'oidc-provider'
import { isStated } from '../accounts/second-factor.ts'

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
  prompt.checks.add(
    new interactionPolicy.Check(
      'only_stated',
      'an EHR has signed this person in for what needs no page',
      'login_required',
      // No Grant was made (oidc/existing-grant.ts): somebody would have to be asked.
      (ctx) => isStated(ctx.oidc.session?.amr) && !ctx.oidc.grant?.jti
    )
  )
  return prompt
}
