/**
 * From what a person decided, now or some time ago, to the Grant of this one
 * authorization: always a new one, so that no launch leaks into the next. Without
 * a decision on all that is asked, there is none, and the consent page is shown.
 */
import type Provider from 'oidc-provider'
import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import type { Account, Accounts } from '../accounts/accounts.ts'
import { isStated, type SecondFactor } from '../accounts/second-factor.ts'
import { OWN_CLIENT_ID } from '../clients/clients.ts'
import { approvalOf, type approveByOrganization, isApproved } from '../consent/approved.ts'
import type { Consent, Consents } from '../consent/consents.ts'
import { decidedBy, type OpenDecision, openDecision } from '../consent/decision.ts'
import type { KindOfData } from '../consent/kinds.ts'
import { resultsOf } from '../interaction/step.ts'
import { type Authorization, type Authorizations, isContextOpen, launchContextOf } from '../smart/authorization.ts'
import { resourceServerFor } from '../smart/resource-server.ts'
import { droppedScopes } from '../smart/scope-decision.ts'
import { splitScope } from '../smart/scope-policy.ts'
import { newTaggedId } from '../store/slot.ts'
import { accountOnce } from './account-once.ts'
import type { GrantContext } from './patches.ts'
import { notesOf } from './request-notes.ts'
import type { StatedUsers } from './stated-users.ts'

interface Deps {
  /** Handed over when it is asked, since the engine is built with this. */
  provider: () => Provider
  accounts: Accounts
  secondFactor: SecondFactor
  statedUsers: StatedUsers
  authorizations: Authorizations
  consents: Consents
  approve: ReturnType<typeof approveByOrganization>
  kinds: readonly KindOfData[]
  accessTokenTTL: number
}

type Grant = InstanceType<Provider['Grant']>

export function existingGrant(deps: Deps): (ctx: KoaContextWithOIDC) => Promise<Grant | undefined> {
  const { provider, authorizations, consents, kinds, accessTokenTTL } = deps
  const accountOf = accountOnce(deps.accounts)

  return async (ctx) => {
    const { client, params, session } = ctx.oidc
    // The engine asks these when a request arrives, and not again when it is resumed.
    if (params?.response_type !== 'code') throw new errors.UnsupportedResponseType()
    if (!params.code_challenge || params.code_challenge_method !== 'S256') throw new errors.InvalidRequest('PKCE is required')
    const accountId = session?.accountId
    const account = client && accountId && (await signedIn(ctx, accountId))
    if (!client || !accountId || !account) return undefined
    if (client.clientId === OWN_CLIENT_ID) return saveGrant(ctx, { scopes: ['openid'] })
    const results = resultsOf(ctx.oidc.result)
    if (!results.consent && ctx.oidc.promptPending('consent')) return undefined
    const about = await authorizations.describe({ params, accountId, account, picked: results })
    if (!about || isContextOpen(about)) return undefined
    const decision = openDecision(about, kinds)
    const consent = await consentFor(ctx, about, decision)
    const { settled, granted } = decidedBy(decision, consent)
    if (!consent || !settled || granted.length === 0) return undefined
    noteDecision(ctx, about, granted)
    return grantFor(ctx, about, consent, granted)
  }

  /** Before the request is made to be for what was granted. */
  function noteDecision(ctx: KoaContextWithOIDC, { client, fhirServer, scopes }: Authorization, granted: string[]): void {
    const { scope } = ctx.oidc.params ?? {}
    const asked = splitScope(typeof scope === 'string' ? scope : undefined)
    const registered = splitScope(client.smart_scope)
    const dropped = droppedScopes({ asked, registered, enforces: fhirServer.enforces, permitted: scopes, granted })
    notesOf(ctx).decision = { asked, dropped }
  }

  /** What was decided before, by the person or for all clinicians. Who was asked, because the app wanted it so, has decided alone. */
  async function consentFor(ctx: KoaContextWithOIDC, about: Authorization, decision: OpenDecision): Promise<Consent | undefined> {
    if (!isApproved(about) || resultsOf(ctx.oidc.result).consent) return consents.find(decision.key)
    const approval = await consents.find(approvalOf(decision.key))
    return decidedBy(decision, approval).settled ? approval : deps.approve(ctx, about, decision)
  }

  /** Both factors, in this session: nothing is made for somebody who is half signed in. */
  async function signedIn(ctx: KoaContextWithOIDC, accountId: string): Promise<Account | undefined> {
    if (ctx.oidc.promptPending('login')) return undefined
    const account = await accountOf(ctx, accountId)
    if (!account || account.disabled) return undefined
    const { amr } = ctx.oidc.session ?? {}
    if (isStated(amr)) return (await deps.statedUsers.isStatedForAnother(ctx)) ? undefined : account
    return deps.secondFactor.isMissing(account, amr) ? undefined : account
  }

  async function grantFor(ctx: KoaContextWithOIDC, about: Authorization, consent: Consent, scopes: string[]): Promise<Grant> {
    const { fhirServer } = about
    // From here on the request is for what was granted: code and tokens take their scopes from it.
    if (ctx.oidc.params) ctx.oidc.params.scope = scopes.join(' ')
    const resourceServer = new (provider().ResourceServer)(
      fhirServer.baseUrl,
      resourceServerFor(fhirServer, scopes, accessTokenTTL)
    )
    Object.assign(ctx.oidc.resourceServers ?? {}, { [fhirServer.baseUrl]: resourceServer })
    const { patient: consentPatient, consentId } = consent
    return saveGrant(ctx, {
      scopes,
      resource: fhirServer.baseUrl,
      context: {
        fhirServer: fhirServer.id,
        consentId,
        ...(consentPatient === undefined ? {} : { consentPatient }),
        launchContext: launchContextOf(about)
      }
    })
  }

  async function saveGrant(
    ctx: KoaContextWithOIDC,
    made: { scopes: string[]; resource?: string; context?: GrantContext }
  ): Promise<Grant> {
    const accountId = ctx.oidc.session?.accountId
    const clientId = ctx.oidc.client?.clientId
    const grant = new (provider().Grant)({ ...(accountId ? { accountId } : {}), ...(clientId ? { clientId } : {}) })
    Object.assign(grant, { jti: newTaggedId() }, made.context)
    grant.addOIDCScope(made.scopes)
    // A token for a resource reports resource scopes only: the whole list is granted there too.
    if (made.resource) grant.addResourceScope(made.resource, made.scopes)
    await grant.save()
    return grant
  }
}
