/**
 * Introspection, RFC 7662 and SMART App Launch 2.2 "Token Introspection": asked by
 * a FHIR server on every request that it serves. A handler of our own; test/flows
 * hold it against the engine where both have an answer. Whoever may not know,
 * and whatever is not worth anything now, gets one and the same answer.
 */
import type { Context, Middleware } from 'koa'
import type { AdapterPayload } from 'oidc-provider'
import type { AuditTrail } from '../audit/trail.ts'
import { answerUnauthenticated } from '../clients/authenticate.ts'
import type { ClientConfig, FhirServer } from '../config/config.ts'
import type { Store } from '../store/store.ts'
import { readForm } from '../web/form.ts'
import { postOnly } from '../web/post-only.ts'
import { sourceOf } from '../web/request.ts'
import type { AccessCheck } from './access.ts'
import { claimsOfPerson, claimsOfService } from './access-claims.ts'
import { engineKind } from './engine-records.ts'
import { type Caller, type CallerDeps, introspectionCallers } from './introspection-callers.ts'
import type { AccessTokenValues } from './jwt-access-tokens.ts'
import { isSystemToken, type SystemToken, systemAccess } from './system-tokens.ts'

interface Deps extends CallerDeps {
  issuer: string
  fhirServers: readonly FhirServer[]
  store: Store
  access: AccessCheck
  accessTokenValues: Pick<AccessTokenValues, 'idOf'>
  audit: AuditTrail
  now: () => number
}

const PATH = /^\/introspect\/?$/i
const accessTokens = engineKind('AccessToken')
const INACTIVE = '{"active":false}'

export function introspection(deps: Deps): Middleware {
  const { issuer, fhirServers, store, clients, access, accessTokenValues, audit, now } = deps
  const callerOf = introspectionCallers(deps)
  const servedBy = new Map(
    fhirServers
      .flatMap(({ introspectedBy }) => introspectedBy)
      .map((id): [string, FhirServer[]] => [id, fhirServers.filter(({ introspectedBy }) => introspectedBy.includes(id))])
  )

  async function respond(ctx: Context): Promise<void> {
    if (ctx.method !== 'POST') return postOnly(ctx)
    ctx.res.setHeader('Cache-Control', 'no-store')
    ctx.res.setHeader('Pragma', 'no-cache')
    // Side by side: who asks, and the token that is asked about.
    const asking = callerOf(ctx)
    const asked = readForm(ctx, ['token', 'token_type_hint', 'client_assertion'])
    const finding = asked.then(({ token }) => findToken(token))
    finding.catch(() => undefined) // of a caller who may not ask nothing is looked at, not what went wrong either
    const caller = await asking
    if (!caller || 'refused' in caller) return refuse(ctx, caller)
    const { token, client_assertion: assertion } = await asked
    if (assertion && ctx.req.headers.authorization) {
      ctx.status = 400
      ctx.body = { error: 'invalid_request', error_description: 'a request uses one method of authentication, not several' }
      return
    }
    if (!token) {
      ctx.status = 400
      ctx.body = { error: 'invalid_request', error_description: 'token is missing' }
      return
    }
    const found = await introspect(await finding, servedBy.get(caller.client_id) ?? [])
    if (found.foreign) {
      const reason = 'not-for-this-caller'
      await audit.record(sourceOf(ctx), { type: 'introspection', outcome: 'refused', reason, clientId: caller.client_id })
    }
    ctx.res.setHeader('Content-Type', 'application/json; charset=utf-8')
    ctx.body = found.active ? JSON.stringify(found.answer) : INACTIVE
  }

  async function findToken(value: string): Promise<AdapterPayload | undefined> {
    const id = await accessTokenValues.idOf(value)
    return id === undefined ? undefined : (await store.view(accessTokens, id))?.record
  }

  async function refuse(ctx: Context, caller: Exclude<Caller, ClientConfig>): Promise<void> {
    const reason = caller?.refused === 403 ? 'insufficient-scope' : 'unauthenticated'
    const { clientId } = caller ?? {}
    await audit.record(sourceOf(ctx), { type: 'introspection', outcome: 'refused', reason, ...(clientId ? { clientId } : {}) })
    if (!caller) answerUnauthenticated(ctx, 'the FHIR server must authenticate: by HTTP Basic, an assertion or an access token')
  }

  type Found = { active: true; foreign: false; answer: Record<string, unknown> } | { active: false; foreign: boolean }

  async function introspect(token: AdapterPayload | undefined, served: readonly FhirServer[]): Promise<Found> {
    const { iat, exp, aud } = token ?? {}
    if (!token || exp === undefined || exp * 1000 <= now()) return { active: false, foreign: served.length === 0 }
    const fhirServer = served.find(({ baseUrl }) => baseUrl === aud)
    if (!fhirServer) return { active: false, foreign: true }
    if (isSystemToken(token)) return introspectSystemToken(token, fhirServer)
    const live = await access.of(token)
    if (!live || live.grant.fhirServer !== fhirServer.id || live.scopes.length === 0) return { active: false, foreign: false }
    const { baseUrl } = fhirServer
    const claims = claimsOfPerson(issuer, { aud: baseUrl, iat, exp }, live, live.scopes, fhirServer)
    return { active: true, foreign: false, answer: { active: true, token_type: 'Bearer', ...claims } }
  }

  async function introspectSystemToken(token: SystemToken, fhirServer: FhirServer): Promise<Found> {
    const live = await systemAccess(token, fhirServer, { clients, fhirServers })
    if (!live) return { active: false, foreign: false }
    const claims = claimsOfService(issuer, token, live.scopes)
    return { active: true, foreign: false, answer: { active: true, token_type: 'Bearer', ...claims } }
  }

  return (ctx, next) => (PATH.test(ctx.path) ? respond(ctx) : next())
}
