/**
 * Who calls Keyward's own API: a client that shows an access token which it got for
 * the issuer (smart/own-api.ts). What the token is worth is looked up each time in
 * what the client is registered for now. Nothing here looks at tokens of people.
 *
 * RFC 6750
 */
import type { Context } from 'koa'
import type { Clients } from '../clients/clients.ts'
import type { ClientConfig } from '../config/config.ts'
import { type OwnScope, ownScopesOf } from '../smart/own-api.ts'
import type { Store } from '../store/store.ts'
import { isSystemToken, systemTokens } from './system-tokens.ts'

interface Deps {
  issuer: string
  store: Pick<Store, 'view'>
  clients: Pick<Clients, 'find'>
  now: () => number
}

/** Where it is refused, the answer is on the context already. */
export type BearerClient = { client: ClientConfig } | { refused: 401 | 403; clientId?: string }

/** RFC 6750 §2.1; RFC 9110 §11.1: the name of a scheme is written in any case. */
const CREDENTIALS = /^bearer +(kw_at_[\w.~+/-]+=*)$/i

export function bearerAuthenticator({ issuer, store, clients, now }: Deps) {
  return async function bearerClient(ctx: Context, scope: OwnScope): Promise<BearerClient> {
    const header = ctx.get('Authorization')
    if (header === '') return refuse(ctx, 401)
    const token = CREDENTIALS.exec(header)?.[1]
    const record = token === undefined ? undefined : (await store.view(systemTokens, token))?.record
    if (!record || !isSystemToken(record) || record.aud !== issuer || record.exp * 1000 <= now())
      return refuse(ctx, 401, 'invalid_token', 'the access token is unknown, has expired, or is not for this server')
    const client = await clients.find(record.clientId)
    if (!client || client.disabled) return refuse(ctx, 401, 'invalid_token', 'the client of the access token is not in use')
    const scopes = ownScopesOf(record.scope.split(' '), client)
    if (scopes.includes(scope)) return { client }
    ctx.set('WWW-Authenticate', `Bearer realm="keyward", error="insufficient_scope", scope="${scope}"`)
    return answer(ctx, 403, 'insufficient_scope', `the access token lacks the scope ${scope}`, client.client_id)
  }
}

/** RFC 6750 §3.1: a request without any credentials is told the scheme, and nothing else in the header. */
function refuse(ctx: Context, status: 401, error?: 'invalid_token', description?: string): BearerClient {
  ctx.set('WWW-Authenticate', `Bearer realm="keyward"${error ? `, error="${error}"` : ''}`)
  return answer(ctx, status, error ?? 'invalid_token', description ?? 'an access token is needed: Authorization: Bearer')
}

function answer(ctx: Context, status: 401 | 403, error: string, description: string, clientId?: string): BearerClient {
  ctx.status = status
  ctx.set('Cache-Control', 'no-store')
  ctx.body = { error, error_description: description }
  return { refused: status, ...(clientId ? { clientId } : {}) }
}
