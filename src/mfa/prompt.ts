/** Am I needed? The second factor is, until the session's amr says that it was given. RFC 8176 */
import { interactionPolicy } from 'oidc-provider'
import type { Accounts } from '../accounts/accounts.ts'
import type { SecondFactor } from '../accounts/second-factor.ts'

interface Deps {
  accounts: Accounts
  secondFactor: SecondFactor
}

export function mfaPrompt({ accounts, secondFactor }: Deps): interactionPolicy.Prompt {
  return new interactionPolicy.Prompt(
    { name: 'mfa', requestable: false },
    new interactionPolicy.Check('second_factor_missing', 'a second factor is required', 'login_required', async (ctx) => {
      const { accountId, amr } = ctx.oidc.session ?? {}
      const account = accountId ? await accounts.find(accountId) : undefined
      return account !== undefined && secondFactor.isMissing(account, amr)
    })
  )
}
