/** The accounts of the configuration: made where they are absent, with passwords that would be taken from a person too. */
import type { AccountConfig, Config } from '../config/config.ts'
import { ConfigError } from '../config/config-error.ts'
import type { Accounts } from './accounts.ts'
import { checkNewPassword } from './new-password.ts'
import { ruleFor } from './second-factor.ts'

interface Deps {
  accounts: Accounts
  config: Pick<Config, 'accounts' | 'demo' | 'organization' | 'secondFactor'>
  /** Told, in the demo, of what production refuses. */
  warn: (problem: string) => void
}

/** Throws, before anything is made, where a password of a production configuration is too weak. */
export async function createConfiguredAccounts({ accounts, config, warn }: Deps): Promise<void> {
  const problems = config.accounts.flatMap((account, at) => {
    const problem = problemOf(account, config)
    return problem === undefined ? [] : [`accounts[${at}].password: ${problem}`]
  })
  if (problems.length > 0 && !config.demo) throw new ConfigError('the accounts of the configuration', problems)
  for (const problem of problems) warn(problem)
  // One after another: hashing a password takes its time, and its queue is bounded.
  for (const account of config.accounts) await accounts.createIfAbsent(account)
}

function problemOf(
  { password, role, username, name }: AccountConfig,
  { organization, secondFactor }: Deps['config']
): string | undefined {
  const rule = ruleFor(secondFactor, role)
  const context = [username, name, organization.name, 'Keyward']
  const outcome = checkNewPassword(password, { hasSecondFactor: rule === 'required', context })
  if (outcome.ok) return undefined
  if (outcome.reason === 'too-short') return `must have at least ${outcome.atLeast} characters`
  return outcome.reason === 'too-long' ? 'is too long' : 'is made of names that anybody would try'
}
