/**
 * The token and the revocation endpoint, RFC 6749 §3.2 and RFC 7009: what is asked, by whom, and the answer in the words
 * of the RFCs. What becomes of it is decided by one function for each grant type, and by revocation.ts. Every decision
 * is in the audit trail before its answer leaves.
 */
import Router from '@koa/router'
import type { Context } from 'koa'
import type { AuditEvent } from '../../audit/event.ts'
import type { AuditTrail } from '../../audit/trail.ts'
import { answerUnauthenticated, type ClientAuthenticator, type ClientRefusal } from '../../clients/authenticate.ts'
import type { Clients } from '../../clients/clients.ts'
import type { ClientConfig } from '../../config/config.ts'
import type { Store } from '../../store/store.ts'
import { postOnly } from '../../web/post-only.ts'
import { sourceOf } from '../../web/request.ts'
import { answerPreflight, openToAsker, refuseOtherOrigins } from './cross-origin.ts'
import { readTokenForm, refuseRepeated, required, type TokenForm } from './form.ts'
import type { TokenGrant } from './grant.ts'
import { refreshTokens } from './records.ts'
import { TokenRefusal } from './refusal.ts'
import type { Revocation } from './revocation.ts'

interface Deps {
  store: Store
  clients: Clients
  authenticator: ClientAuthenticator
  /** By the name of the grant type. */
  grants: ReadonlyMap<string, TokenGrant>
  revocation: Revocation
  audit: AuditTrail
}

/** What a request has told of itself so far: a refusal is recorded with it. */
interface Told {
  grantType?: string
  clientId?: string
}

const LONGEST_GRANT_TYPE = 100
const OF_CLIENT = new Set(['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'])
/** Grant types that find a client which has been disabled to have nothing any more: its tokens are refused, not its secret. */
const OF_PERSONS = new Set(['authorization_code', 'refresh_token'])

export function tokenRoutes({ store, clients, authenticator, grants, revocation, audit }: Deps): Router {
  const router = new Router()
  router.all('/token', (ctx) => respond(ctx, 'token', answerToken))
  router.all('/revoke', (ctx) => respond(ctx, 'revocation', answerRevocation))

  async function respond(ctx: Context, type: 'token' | 'revocation', answer: (ctx: Context, told: Told) => Promise<void>) {
    if (ctx.method === 'OPTIONS') return answerPreflight(ctx)
    if (ctx.method !== 'POST') return postOnly(ctx)
    ctx.set('Cache-Control', 'no-store')
    ctx.set('Pragma', 'no-cache')
    openToAsker(ctx)
    const told: Told = {}
    try {
      await answer(ctx, told)
    } catch (refusal) {
      if (!(refusal instanceof TokenRefusal)) throw refusal
      const { error, description, status, message, parties, event, finish } = refusal
      const refused: AuditEvent = { type, outcome: 'refused', reason: message.slice(0, 200), ...told, ...parties }
      await audit.record(sourceOf(ctx), event ?? refused)
      await finish?.()
      ctx.status = status
      ctx.body = { error, error_description: description }
      if (status === 401) answerUnauthenticated(ctx, description)
    }
  }

  async function answerToken(ctx: Context, told: Told): Promise<void> {
    const form = await readTokenForm(ctx)
    const { values, resources } = form
    const grantType = values.grant_type
    if (grantType !== undefined) told.grantType = grantType.slice(0, LONGEST_GRANT_TYPE)
    await nameHolder(ctx, values)
    const client = await authenticated(ctx, form, told)
    const grant = grants.get(required(form, 'grant_type'))
    if (grantType === undefined || grant === undefined)
      throw new TokenRefusal('unsupported_grant_type', 'this server does not have that grant type')
    if (!client.grant_types.includes(grantType))
      throw new TokenRefusal('unauthorized_client', 'this client is not registered for that grant type')
    const answer = await grant({ grantType, client, values, resources, source: sourceOf(ctx) })
    ctx.type = 'json'
    ctx.body = JSON.stringify(answer)
  }

  async function answerRevocation(ctx: Context, told: Told): Promise<void> {
    const form = await readTokenForm(ctx)
    const client = await authenticated(ctx, form, told)
    await revocation.revoke(required(form, 'token'), client, sourceOf(ctx))
    ctx.status = 200
    ctx.body = ''
  }

  async function authenticated(ctx: Context, form: TokenForm, told: Told): Promise<ClientConfig> {
    refuseRepeated(form, (name) => OF_CLIENT.has(name))
    const { values } = form
    const found = await authenticator.authenticate({ authorization: ctx.get('Authorization') || undefined, form: values })
    const clientId = found.ok ? found.client.client_id : found.clientId
    if (clientId !== undefined) told.clientId = clientId
    const client = found.ok ? found.client : await disabledClient(found, values.grant_type)
    refuseOtherOrigins(ctx, client)
    refuseRepeated(form)
    return client
  }

  /** It has proved who it is. What it holds is refused as a grant that has ended, with the record of whose it was. */
  async function disabledClient({ error, description, reason, status, clientId }: ClientRefusal, grantType = '') {
    const client = reason === 'client-disabled' && clientId !== undefined && OF_PERSONS.has(grantType)
    const known = client ? await clients.find(clientId) : undefined
    if (!known) throw new TokenRefusal(error, description, { reason, status })
    return known
  }

  /** A public client that leaves out client_id when it refreshes, as the most used SMART library does, is found through its refresh token. */
  async function nameHolder(ctx: Context, values: TokenForm['values']): Promise<void> {
    const { grant_type: grantType, refresh_token: id } = values
    if (grantType !== 'refresh_token' || id === undefined || ctx.get('Authorization') !== '') return
    if ([...OF_CLIENT].some((name) => values[name] !== undefined)) return
    const token = id.startsWith('kw_rt_') ? await store.get(refreshTokens, id) : undefined
    const client = token && (await clients.find(token.clientId))
    // One that has credentials must use them.
    if (client?.token_endpoint_auth_method === 'none') values.client_id = client.client_id
  }
  return router
}
