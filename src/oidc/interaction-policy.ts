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

interface Deps {
  accounts: Accounts
  secondFactor: SecondFactor
  authorizations: Authorizations
}

export function interactionSteps({ accounts, secondFactor, authorizations }: Deps): interactionPolicy.Prompt[] {
  const accountOf = accountOnce(accounts)
  return [loginPrompt(), mfaPrompt({ accountOf, secondFactor }), patientPrompt({ authorizations }), consentPrompt()]
}
