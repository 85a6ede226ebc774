/**
 * Signing in the user of whom an EHR has made a signed statement, without a page: only where nothing is
 * left to ask, for the authorization that the EHR launched and for nothing else. The app gets the handle before we
 * do, and could open a page with it and press its button: so whoever has to be asked something signs in as always, and
 * the statement only says who that has to be. The session's `amr` says how it came about.
 */
import { randomBytes } from 'node:crypto'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Account, Accounts } from '../accounts/accounts.ts'
import { fhirUserAt } from '../accounts/relationships.ts'
import { isStated, type SecondFactor, STATED } from '../accounts/second-factor.ts'
import type { AuditTrail } from '../audit/trail.ts'
import type { Clients } from '../clients/clients.ts'
import { isApproved } from '../consent/approved.ts'
import type { SessionEnds } from '../interaction/session-ends.ts'
import type { Launch, Launches } from '../smart/launch.ts'
import { PageError } from '../web/page-error.ts'
import { sourceOf } from '../web/request.ts'

export interface StatedUsers {
  /** Signs in where no page would be shown. Throws a PageError where the user is nobody here, or may not sign in. */
  signIn(ctx: KoaContextWithOIDC, launch: Launch): Promise<void>
  /** Whether whoever is signed in is so by a statement that is not good for this authorization. */
  isStatedForAnother(ctx: KoaContextWithOIDC): Promise<boolean>
}

interface Deps {
  accounts: Pick<Accounts, 'find' | 'findByFhirUser'>
  clients: Pick<Clients, 'find'>
  secondFactor: Pick<SecondFactor, 'isMissing'>
  launches: Pick<Launches, 'redeemed'>
  sessionEnds: Pick<SessionEnds, 'end'>
  audit: AuditTrail
}

export function createStatedUsers(deps: Deps): StatedUsers {
  const { accounts, clients, secondFactor, launches, sessionEnds, audit } = deps

  /** Trusted with it by the EHR's registration, and approved by the organization for all of the user's kind: nobody is asked. */
  async function needsNobody({ clientId, ehr: ehrId }: Launch, account: Account): Promise<boolean> {
    const [client, ehr] = await Promise.all([clients.find(clientId), clients.find(ehrId)])
    if (!client || !ehr || ehr.disabled) return false
    return ehr.launch_apps?.includes(clientId) === true && isApproved({ account, client })
  }

  return {
    async signIn(ctx, launch) {
      const { fhirServer, user, statedAt, ehr } = launch
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
      if (ctx.oidc.promptPending('login') || ctx.oidc.promptPending('consent')) return
      if (!(await needsNobody(launch, account))) return
      if (before !== undefined) {
        if (before !== account.sub) await audit.record(sourceOf(ctx), { type: 'sign-out', outcome: 'ended', accountId: before })
        await sessionEnds.end({ uid: session.uid, destroy: async () => undefined })
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
      if (launch?.statedAt === undefined || !account || fhirUserAt(account, launch.fhirServer) !== launch.user) return true
      return !(await needsNobody(launch, account))
    }
  }
}
