/**
 * What stands before the engine at /token: only POST is processed, and a public
 * client that leaves out client_id when it refreshes, as the most used SMART
 * library does, is found through its refresh token. RFC 6749 §3.2, §6
 */
import Router from '@koa/router'
import type { Context } from 'koa'
import type { Clients } from '../clients/clients.ts'
import type { Store } from '../store/store.ts'
import { readBody } from '../web/body.ts'
import { engineKind } from './adapter.ts'
import { replayBody } from './patches.ts'

interface Deps {
  store: Store
  clients: Clients
}

const FORM = 'application/x-www-form-urlencoded'

export function tokenEndpoint({ store, clients }: Deps): Router {
  const router = new Router()
  router.all('/token', async (ctx, next) => {
    if (ctx.method !== 'POST' && ctx.method !== 'OPTIONS') return postOnly(ctx)
    if (ctx.method === 'POST' && ctx.is(FORM) && !ctx.get('Authorization')) await nameClient(ctx)
    await next()
  })

  async function nameClient(ctx: Context): Promise<void> {
    const body = await readBody(ctx)
    const form = new URLSearchParams(body.toString('latin1'))
    const clientId = form.has('client_id') || form.has('client_assertion') ? undefined : await holderOf(form.get('refresh_token'))
    if (clientId !== undefined && form.get('grant_type') === 'refresh_token') form.append('client_id', clientId)
    // What needs no change goes on as it came, its mistakes included.
    replayBody(ctx.req, clientId === undefined ? body : Buffer.from(form.toString()))
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
