/** How long each record that the engine makes lives, in seconds. */
import type { Config } from '../config/config.ts'
import { lasts, splitScope } from '../smart/scope-policy.ts'

type Lifetimes = Config['lifetimes']

/** A Grant outlives several refresh tokens, so that one kept in use is seldom written. */
const GRANT_SPANS = 4
/** How long a person has for all steps of one authorization. */
const INTERACTION = 60 * 60
/** How long until they have signed in: what is stored for somebody whom nobody knows does not stay for long. */
const SIGNING_IN = 15 * 60

interface SessionTimes {
  loginTs?: number | undefined
}

interface GrantScopes {
  getOIDCScope(): string
}

export function lifetimesFor(lifetimes: Lifetimes, now: () => number) {
  return {
    AuthorizationCode: () => lifetimes.authorizationCode,
    Interaction: (_ctx: unknown, { session }: { session?: { accountId?: string | undefined } | undefined }) =>
      session?.accountId === undefined ? SIGNING_IN : INTERACTION,
    Grant: (_ctx: unknown, grant: GrantScopes) => grantLifetime(lifetimes, splitScope(grant.getOIDCScope())),
    /** Idle time, but never past the absolute end counted from the sign-in. */
    Session: (_ctx: unknown, { loginTs }: SessionTimes) => {
      if (loginTs === undefined) return lifetimes.idle
      const left = loginTs + lifetimes.session - Math.floor(now() / 1000)
      return Math.max(1, Math.min(lifetimes.idle, left))
    }
  }
}

/** SMART's sliding refresh tokens have no absolute end: a Grant in use is prolonged (token/grant-renewal.ts). */
export function grantLifetime(lifetimes: Lifetimes, scopes: readonly string[]): number {
  return lasts(scopes) ? lifetimes.refreshToken * GRANT_SPANS : lifetimes.authorizationCode + lifetimes.accessToken
}
