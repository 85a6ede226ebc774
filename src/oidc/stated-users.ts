/**
 * Signing in the user of whom an EHR has made a signed statement, without a page: for
 * the authorization that the EHR launched and for nothing else. The session's `amr` says that it is so; whoever opens
 * anything else with it signs in as always.
 */
import { randomBytes } from 'node:crypto'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Accounts } from '../accounts/accounts.ts'
import { fhirUserAt } from '../accounts/relationships.ts'
import { isStated, type SecondFactor, STATED } from '../accounts/second-factor.ts'
import type { AuditTrail } from '../audit/trail.ts'
import type { SessionEnds } from '../interaction/session-ends.ts'
import type { Launch, Launches } from '../smart/launch.ts'
import { PageError } from '../web/page-error.ts'
import { sourceOf } from '../web/request.ts'

export interface StatedUsers {
  /** Throws a PageError where the user is nobody here, or may not sign in. */
  signIn(ctx: KoaContextWithOIDC, launch: Launch): Promise<void>
  /** Whether whoever is signed in is so by a statement that was not made for this authorization. */
  isStatedForAnother(ctx: KoaContextWithOIDC): Promise<boolean>
}

interface Deps {
  accounts: Pick<Accounts, 'find' | 'findByFhirUser'>
  secondFactor: Pick<SecondFactor, 'isMissing'>
  launches: Pick<Launches, 'redeemed'>
  sessionEnds: Pick<SessionEnds, 'end'>
  audit: AuditTrail
}

export function createStatedUsers({ accounts, secondFactor, launches, sessionEnds, audit }: Deps): StatedUsers {
  return {
    async signIn(ctx, { fhirServer, user, statedAt, ehr }) {
      const account = user === undefined ? undefined : await accounts.findByFhirUser(fhirServer, user)
      if (!account || account.disabled) {
        const why = account
          ? ({ reason: 'account-disabled', accountId: account.sub } as const)
          : ({ reason: 'unknown-user' } as const)
        await audit.record(sourceOf(ctx), { type: 'sign-in', outcome: 'refused', ...why, ehr })
        throw new PageError(403, 'user-not-known')
      }
      const { session } = ctx.oidc
      if (!session) throw new Error('an authorization request has no session')
      const { accountId: before } = session
      // Who has signed in here with everything that it takes has no need of an EHR's word.
      if (before === account.sub && !secondFactor.isMissing(account, session.amr)) return
      if (before !== undefined) {
        await sessionEnds.end({ uid: session.uid, destroy: async () => undefined })
        if (before !== account.sub) await audit.record(sourceOf(ctx), { type: 'sign-out', outcome: 'ended', accountId: before })
      }
      await audit.record(sourceOf(ctx), { type: 'sign-in', outcome: 'accepted', accountId: account.sub, ehr })
      // A new one under a new id, stored in place of the one before at the end of this answer.
      session.resetIdentifier()
      Object.assign(session, { uid: randomBytes(16).toString('base64url'), authorizations: undefined, state: undefined })
      session.loginAccount({
        accountId: account.sub,
        loginTs: Math.floor((statedAt ?? 0) / 1000),
        amr: [STATED],
        transient: true
      })
    },

    async isStatedForAnother({ oidc: { session, params } }) {
      if (!session?.accountId || !isStated(session.amr)) return false
      const { launch: handle, code_challenge: challenge } = params ?? {}
      if (typeof handle !== 'string' || typeof challenge !== 'string') return true
      const launch = await launches.redeemed(handle, challenge)
      const account = await accounts.find(session.accountId)
      return launch?.statedAt === undefined || !account || fhirUserAt(account, launch.fhirServer) !== launch.user
    }
  }
}
