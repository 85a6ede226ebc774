/** The order of the steps: the one place that knows it. The engine asks each in turn, and goes to the first that is needed. */
import type { interactionPolicy } from 'oidc-provider'
import type { Accounts } from '../accounts/accounts.ts'
import type { SecondFactor } from '../accounts/second-factor.ts'
import { consentPrompt } from '../consent/prompt.ts'
import { loginPrompt } from '../login/prompt.ts'
import { mfaPrompt } from '../mfa/prompt.ts'
import { patientPrompt } from '../patient/prompt.ts'
import type { Authorizations } from '../smart/authorization.ts'
import { accountOnce } from './account-once.ts'
import type { StatedUsers } from './stated-users.ts'

interface Deps {
  statedUsers: StatedUsers
  accounts: Accounts
  secondFactor: SecondFactor
  authorizations: Authorizations
}

export function interactionSteps({ accounts, secondFactor, statedUsers, authorizations }: Deps): interactionPolicy.Prompt[] {
  const accountOf = accountOnce(accounts)
  return [loginPrompt(statedUsers), mfaPrompt({ accountOf, secondFactor }), patientPrompt({ authorizations }), consentPrompt()]
}
