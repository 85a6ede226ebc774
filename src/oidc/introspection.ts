/**
 * Introspection, RFC 7662 and SMART App Launch 2.2 "Token Introspection": asked by
 * a FHIR server on every request that it serves. A handler of our own; test/flows
 * hold it against the engine where both have an answer. Whoever may not know,
 * and whatever is not worth anything now, gets one and the same answer.
 */
import Router from '@koa/router'
import type { AuditTrail } from '../audit/trail.ts'
import { answerUnauthenticated, authenticateClient } from '../clients/authenticate.ts'
import type { Clients } from '../clients/clients.ts'
import type { FhirServer } from '../config/config.ts'
import { contextMembers } from '../smart/token-response.ts'
import type { Store } from '../store/store.ts'
import { readForm } from '../web/form.ts'
import { postOnly } from '../web/post-only.ts'
import { sourceOf } from '../web/request.ts'
import type { AccessCheck } from './access.ts'
import { absoluteFhirUser } from './account-claims.ts'
import { engineKind } from './engine-records.ts'

interface Deps {
  issuer: string
  fhirServers: readonly FhirServer[]
  store: Store
  clients: Clients
  access: AccessCheck
  audit: AuditTrail
  now: () => number
}

const INACTIVE = '{"active":false}'

export function introspectionRoutes(deps: Deps): Router {
  const { issuer, fhirServers, store, clients, access, audit, now } = deps
  const router = new Router()
  router.all('/introspect', async (ctx) => {
    if (ctx.method !== 'POST') return postOnly(ctx)
    ctx.set('Cache-Control', 'no-store')
    ctx.set('Pragma', 'no-cache')
    const caller = await authenticateClient(clients, ctx.get('Authorization'))
    if (!caller) {
      await audit.record(sourceOf(ctx), { type: 'introspection', outcome: 'refused', reason: 'unauthenticated' })
      return answerUnauthenticated(ctx, 'the FHIR server must authenticate by HTTP Basic')
    }
    const { token } = await readForm(ctx, ['token', 'token_type_hint'])
    if (!token) {
      ctx.status = 400
      ctx.body = { error: 'invalid_request', error_description: 'token is missing' }
      return
    }
    const served = fhirServers.filter(({ introspectedBy }) => introspectedBy.includes(caller.client_id))
    const found = await introspect(token, served)
    if (found.foreign) {
      const reason = 'not-for-this-caller'
      await audit.record(sourceOf(ctx), { type: 'introspection', outcome: 'refused', reason, clientId: caller.client_id })
    }
    ctx.type = 'application/json'
    ctx.body = found.active ? JSON.stringify(found.answer) : INACTIVE
  })

  type Found = { active: true; foreign: false; answer: Record<string, unknown> } | { active: false; foreign: boolean }

  async function introspect(value: string, served: readonly FhirServer[]): Promise<Found> {
    // Access tokens alone have this prefix: no other stored id passes as one.
    const token = value.startsWith('kw_at_') ? await store.get(engineKind('AccessToken'), value) : undefined
    const { iat, exp, aud } = token ?? {}
    if (!token || exp === undefined || exp * 1000 <= now()) return { active: false, foreign: served.length === 0 }
    const fhirServer = served.find(({ baseUrl }) => baseUrl === aud)
    if (!fhirServer) return { active: false, foreign: true }
    const live = await access.of(token)
    if (!live || live.grant.fhirServer !== fhirServer.id || live.scopes.length === 0) return { active: false, foreign: false }
    const { account, client, grant, scopes } = live
    const fhirUser = scopes.includes('fhirUser') ? absoluteFhirUser(account, fhirServer) : undefined
    const answer = {
      active: true,
      iss: issuer,
      sub: account.sub,
      client_id: client.client_id,
      aud,
      scope: scopes.join(' '),
      token_type: 'Bearer',
      iat,
      exp,
      ...contextMembers(grant.launchContext, scopes),
      ...(fhirUser ? { fhirUser } : {})
    }
    return { active: true, foreign: false, answer }
  }
  return router
}
