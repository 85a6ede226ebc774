/** Am I needed? The second factor is, until the session's amr says that it was given. RFC 8176 */
import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import type { Account } from '../accounts/accounts.ts'
import { isStated, type SecondFactor } from '../accounts/second-factor.ts'

interface Deps {
  accountOf: (ctx: KoaContextWithOIDC, sub: string) => Promise<Account | undefined>
  secondFactor: SecondFactor
}

export function mfaPrompt({ accountOf, secondFactor }: Deps): interactionPolicy.Prompt {
  return new interactionPolicy.Prompt(
    { name: 'mfa', requestable: false },
    new interactionPolicy.Check('second_factor_missing', 'a second factor is required', 'login_required', async (ctx) => {
      const { accountId, amr } = ctx.oidc.session ?? {}
      const account = accountId ? await accountOf(ctx, accountId) : undefined
      // The login step has seen to it that it counts here.
      return account !== undefined && !isStated(amr) && secondFactor.isMissing(account, amr)
    })
  )
}
