/**
 * The second factor: a code from an authenticator app. Each time step is good
 * for one success, enrolment included; the store's compare-and-set decides
 * between codes that arrive at once, on any replica.
 */
import type { SecondFactorRefusal } from '../audit/event.ts'
import type { Config, Role } from '../config/config.ts'
import { reached } from '../observability/steps.ts'
import type { Fence } from '../store/fence.ts'
import type { Attempts } from '../web/attempts.ts'
import type { Account, Accounts } from './accounts.ts'
import { CODES, CODES_IN_A_ROW } from './failure-counts.ts'
import { beginningOf, matchingStep, newTotpSecret, readCode, totpUri } from './totp.ts'

export type SecondFactorOutcome = { ok: true } | { ok: false; reason: SecondFactorRefusal; retryAfter?: number }

export interface SecondFactor {
  /**
   * Whether a session with this `amr` (RFC 8176) still lacks it, by the policy for the account's role: required, or
   * optional and enrolled. Such a session is worth nothing yet.
   */
  isMissing(account: Account, amr: readonly string[] | undefined): boolean
  isEnrolled(account: Account): boolean
  /** The key to put into an authenticator app: the same one until it is confirmed. Throws for an enrolled account. */
  beginEnrolment(account: Account): Promise<{ secret: string; uri: string }>
  /** A first code shows that the app has the key. It counts once `record` has resolved; until then the code alone is used up. */
  confirmEnrolment(sub: string, code: string, address: string, record: () => Promise<void>): Promise<SecondFactorOutcome>
  /** `address`: where the code comes from, as limits count it. */
  verify(sub: string, code: string, address: string): Promise<SecondFactorOutcome>
}

/** That somebody was signed in because an EHR said so: it counts for the authorization that was launched, and for nothing else. */
export const STATED = 'fed'

export function isStated(amr: readonly string[] | undefined): boolean {
  return amr?.includes(STATED) === true
}

/** What the policy says for a role. */
export function ruleFor(policy: Config['secondFactor'], role: Role): 'required' | 'optional' | 'off' {
  if (role === 'developer') return policy.developers
  return role === 'patient' ? policy.patients : policy.clinicians
}

interface Deps {
  accounts: Accounts
  fence: Fence
  attempts: Attempts
  /** Attempts over a window so long that it is, in effect, until a right code. */
  lasting: Attempts
  policy: Config['secondFactor']
  limits: Pick<Config['limits'], 'codesPerAccount' | 'signInsPerAddress'>
  /** What the authenticator app shows beside the user name. */
  organizationName: string
  now: () => number
}

/** NIST SP 800-63B §5.2.2: no more consecutive failures than this. After them an operator has to help. */
const MOST_CONSECUTIVE_FAILURES = 100
const ADDRESS = 'code-address'

export function createSecondFactor(deps: Deps): SecondFactor {
  const { accounts, fence, attempts, lasting, policy, limits, organizationName, now } = deps
  const isEnrolled = (account: Account) => account.totp?.confirmed === true

  /** Accepts a code once, of a factor that is confirmed or of one that is to be. */
  const accept = async (
    sub: string,
    typed: string,
    address: string,
    confirmed: boolean,
    record?: () => Promise<void>
  ): Promise<SecondFactorOutcome> => {
    const code = readCode(typed)
    if (!code) return { ok: false, reason: 'malformed' }
    // One after another: a refusal of the first must not use up the others.
    for (const take of [
      () => attempts.take(ADDRESS, address, limits.signInsPerAddress),
      () => attempts.take(CODES, sub, limits.codesPerAccount)
    ]) {
      const attempt = await take()
      if (!attempt.ok) return { ok: false, reason: 'too-many-attempts', retryAfter: attempt.retryAfter }
    }
    // No waiting helps here, so none is named.
    const inARow = await lasting.take(CODES_IN_A_ROW, sub, MOST_CONSECUTIVE_FAILURES)
    if (!inARow.ok) return { ok: false, reason: 'too-many-attempts' }

    reached('second-factor:counted')
    const account = await accounts.find(sub)
    if (!account?.totp || account.disabled) return { ok: false, reason: 'wrong-code' }
    // A key that nobody has confirmed yet proves nothing.
    if (confirmed && !account.totp.confirmed) return { ok: false, reason: 'wrong-code' }
    const { secret } = account.totp
    const step = await matchingStep(secret, code, now())
    if (step === undefined) return { ok: false, reason: 'wrong-code' }

    const accepted = await accounts.update(sub, (current) => {
      const { totp } = current
      if (current.disabled || totp?.secret !== secret || totp.confirmed !== confirmed) return undefined
      return step > totp.lastStep ? { ...current, totp: { secret, lastStep: step, confirmed } } : undefined
    })
    // A store that may have forgotten the use of a step knows nothing of those that began before.
    if (!accepted || beginningOf(step) < fence.notBefore()) return { ok: false, reason: 'code-used' }
    reached('second-factor:used')
    if (record) {
      await record()
      reached('enrolment:audited')
    }
    if (!confirmed && !(await confirm(sub, secret, step))) return { ok: false, reason: 'code-used' }
    // A right code is the only thing that clears the count of wrong ones.
    await Promise.all([attempts.reset(CODES, sub), lasting.reset(CODES_IN_A_ROW, sub), attempts.forgive(ADDRESS, address)])
    return { ok: true }
  }

  /** For the code that has just been used, unless somebody has done something with the account since. */
  async function confirm(sub: string, secret: string, step: number): Promise<boolean> {
    const confirmed = await accounts.update(sub, (current) => {
      const { totp } = current
      if (current.disabled || totp?.secret !== secret || totp.confirmed || totp.lastStep !== step) return undefined
      return { ...current, totp: { secret, lastStep: step, confirmed: true } }
    })
    if (confirmed) reached('enrolment:confirmed')
    return confirmed !== undefined
  }

  const isRequired = (account: Account) => {
    const rule = ruleFor(policy, account.role)
    return rule === 'required' || (rule === 'optional' && isEnrolled(account))
  }

  return {
    isEnrolled,
    isMissing: (account, amr) => isStated(amr) || (isRequired(account) && amr?.includes('otp') !== true),

    async beginEnrolment({ sub }) {
      const fresh = { secret: newTotpSecret(), lastStep: 0, confirmed: false }
      const account = await accounts.update(sub, (current) => ({ ...current, totp: current.totp ?? fresh }))
      if (!account?.totp) throw new Error('there is no such account')
      // The key of a working factor is shown to nobody.
      if (account.totp.confirmed) throw new Error('the account has a second factor already')
      const { secret } = account.totp
      return { secret, uri: totpUri(organizationName, account.username, secret) }
    },

    confirmEnrolment: (sub, code, address, record) => accept(sub, code, address, false, record),
    verify: (sub, code, address) => accept(sub, code, address, true)
  }
}
