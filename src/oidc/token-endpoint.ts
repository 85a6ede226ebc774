/**
 * What stands before the engine at /token and /revoke. A form may have so many
 * fields; only POST is processed at /token; and there a public client that leaves
 * out client_id when it refreshes, as the most used SMART library does, is found
 * through its refresh token. RFC 6749 §3.2, §6
 */
import Router from '@koa/router'
import type { Context } from 'koa'
import type { Clients } from '../clients/clients.ts'
import type { Store } from '../store/store.ts'
import { readBody } from '../web/body.ts'
import { refuseManyFields } from '../web/form.ts'
import { engineKind } from './engine-records.ts'
import { replayBody } from './patches.ts'

interface Deps {
  store: Store
  clients: Clients
}

const FORM = 'application/x-www-form-urlencoded'

export function tokenEndpoint({ store, clients }: Deps): Router {
  const router = new Router()
  router.all('/token', (ctx, next) => (ctx.method === 'POST' || ctx.method === 'OPTIONS' ? next() : postOnly(ctx)))
  router.post(['/token', '/revoke'], async (ctx, next) => {
    if (ctx.is(FORM)) {
      const body = await readBody(ctx)
      // The engine itself takes any number of fields.
      refuseManyFields(body)
      // What needs no change goes on as it came, its mistakes included.
      replayBody(ctx.req, ctx.get('Authorization') ? body : await withClient(body))
    }
    await next()
  })

  async function withClient(body: Buffer): Promise<Buffer> {
    const form = new URLSearchParams(body.toString('latin1'))
    if (form.get('grant_type') !== 'refresh_token' || form.has('client_id') || form.has('client_assertion')) return body
    const clientId = await holderOf(form.get('refresh_token'))
    if (clientId === undefined) return body
    form.append('client_id', clientId)
    return Buffer.from(form.toString())
  }

  /** The public client to which a refresh token was given. One that has credentials must use them. */
  async function holderOf(refreshToken: string | null): Promise<string | undefined> {
    const token = refreshToken ? await store.get(engineKind('RefreshToken'), refreshToken) : undefined
    const client = token?.clientId ? await clients.find(token.clientId) : undefined
    return client?.token_endpoint_auth_method === 'none' ? client.client_id : undefined
  }
  return router
}

/** RFC 9110 §15.5.6; a secret in a query would be in logs already, so nothing of it is looked at. */
export function postOnly(ctx: Context): void {
  ctx.status = 405
  ctx.set('Allow', 'POST')
  ctx.set('Cache-Control', 'no-store')
  ctx.body = { error: 'invalid_request', error_description: 'this endpoint takes POST only' }
}
