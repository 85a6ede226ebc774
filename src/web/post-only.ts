/** The answer of an endpoint that takes POST only to every other method. RFC 9110 §15.5.6 */
import type { Context } from 'koa'

/** A secret in a query would be in logs already, so nothing of the request is looked at. */
export function postOnly(ctx: Context): void {
  ctx.status = 405
  ctx.set('Allow', 'POST')
  ctx.set('Cache-Control', 'no-store')
  ctx.body = { error: 'invalid_request', error_description: 'this endpoint takes POST only' }
}
