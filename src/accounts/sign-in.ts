/**
 * The first factor: is this the user name and password of an account? The
 * answer carries the true reason for the audit trail; a page shows the same
 * refusal for wrong credentials and for a disabled account, and spends the same
 * time on names that exist and names that don't.
 */
import type { Config } from '../config/config.ts'
import { reached } from '../observability/steps.ts'
import type { Attempts } from '../web/attempts.ts'
import type { Account, Accounts } from './accounts.ts'
import { PASSWORDS, passwordKey } from './failure-counts.ts'
import { HashingBusy, type PasswordCheck, type Passwords } from './password.ts'
import { normalizeUsername } from './username.ts'

type SignInOutcome =
  | { ok: true; account: Account }
  | {
      ok: false
      reason: 'wrong-credentials' | 'too-many-attempts' | 'account-disabled' | 'busy'
      accountId?: string
      retryAfter?: number
    }

export interface SignIn {
  verify(username: string, password: string, address: string): Promise<SignInOutcome>
}

interface Deps {
  accounts: Accounts
  passwords: Passwords
  attempts: Attempts
  limits: Pick<Config['limits'], 'passwordsPerAccount' | 'signInsPerAddress'>
}

const ADDRESS = 'sign-in-address'
// The queue empties within a second or two.
const BUSY_SECONDS = 2

export function createSignIn({ accounts, passwords, attempts, limits }: Deps): SignIn {
  return {
    async verify(username, password, address) {
      // What finds no place is not checked, so it is not counted, looked up or told either.
      const check = passwords.reserve()
      if (!check) return { ok: false, reason: 'busy', retryAfter: BUSY_SECONDS }
      try {
        return await checked(check, username, password, address)
      } finally {
        check.release()
      }
    }
  }

  async function checked(check: PasswordCheck, username: string, password: string, address: string): Promise<SignInOutcome> {
    const fromAddress = await attempts.take(ADDRESS, address, limits.signInsPerAddress)
    const account = await accounts.findByUsername(username)
    const accountId = account ? { accountId: account.sub } : {}
    if (!fromAddress.ok) return { ok: false, reason: 'too-many-attempts', retryAfter: fromAddress.retryAfter, ...accountId }

    // Counted before the work is done, so that tries in parallel can't slip past the limit.
    const key = account ? passwordKey(account.sub) : `name:${normalizeUsername(username)}`
    const forAccount = await attempts.take(PASSWORDS, key, limits.passwordsPerAccount)
    if (!forAccount.ok) return { ok: false, reason: 'too-many-attempts', retryAfter: forAccount.retryAfter, ...accountId }

    reached('sign-in:counted')
    const result = await check.verify(account?.passwordHash, password)
    if (result === 'busy') {
      // Interrupted: nobody knows whether it was right, so it was no try.
      await Promise.all([attempts.giveBack(PASSWORDS, key), attempts.giveBack(ADDRESS, address)])
      return { ok: false, reason: 'busy', retryAfter: BUSY_SECONDS, ...accountId }
    }
    if (!account || result === 'mismatch') return { ok: false, reason: 'wrong-credentials', ...accountId }
    if (account.disabled) return { ok: false, reason: 'account-disabled', ...accountId }

    // Only this counter: codes are counted until a code is right.
    await Promise.all([attempts.reset(PASSWORDS, key), attempts.forgive(ADDRESS, address)])
    reached('sign-in:verified')
    // Its own place in the queue is one for a new hash.
    check.release()
    return { ok: true, account: await rehashed(account, password, { accounts, passwords }) }
  }
}

/** The only moment at which a password is known: a hash of an older policy is replaced. */
async function rehashed(account: Account, password: string, { accounts, passwords }: Pick<Deps, 'accounts' | 'passwords'>) {
  if (!passwords.needsRehash(account.passwordHash)) return account
  try {
    const passwordHash = await passwords.hash(password)
    const unchanged = (current: Account) => current.passwordHash === account.passwordHash
    return (
      (await accounts.update(account.sub, (current) => (unchanged(current) ? { ...current, passwordHash } : undefined))) ??
      account
    )
  } catch (error) {
    // The next sign-in will do it.
    if (error instanceof HashingBusy) return account
    throw error
  }
}
