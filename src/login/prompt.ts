/** Am I needed? Sign-in is, wherever the engine says so or the session's account can no longer be used. */
import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'

interface Deps {
  isStatedForAnother(ctx: KoaContextWithOIDC): Promise<boolean>
}

export function loginPrompt({ isStatedForAnother }: Deps): interactionPolicy.Prompt {
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
      'stated_for_another',
      'an EHR has signed this person in for another authorization only',
      'login_required',
      (ctx) => isStatedForAnother(ctx)
    )
  )
  return prompt
}
