/**
 * Which pages may read an answer to an app: as long as it is not known who the app is, any; then those at the origins of
 * its redirect URIs. A page elsewhere is refused before anything is looked at, so that nothing is spent for it.
 */
import type { Context } from 'koa'
import type { ClientConfig } from '../../config/config.ts'
import { TokenRefusal } from './refusal.ts'

const PREFLIGHT_MAX_AGE = '3600'

/** The question that a browser asks before a page may send: it says nothing of the app. */
export function answerPreflight(ctx: Context): void {
  ctx.vary('Origin')
  ctx.status = 204
  ctx.set('Allow', 'POST, OPTIONS')
  const [origin, headers] = [ctx.get('Origin'), ctx.get('Access-Control-Request-Headers')]
  if (origin === '') return
  ctx.set('Access-Control-Allow-Origin', origin)
  ctx.set('Access-Control-Allow-Methods', 'POST')
  ctx.set('Access-Control-Max-Age', PREFLIGHT_MAX_AGE)
  if (headers !== '') ctx.set('Access-Control-Allow-Headers', headers)
}

export function openToAsker(ctx: Context): void {
  ctx.vary('Origin')
  const origin = ctx.get('Origin')
  if (origin === '') return
  ctx.set('Access-Control-Allow-Origin', origin)
  ctx.set('Access-Control-Expose-Headers', 'WWW-Authenticate, X-Request-Id')
}

export function refuseOtherOrigins(ctx: Context, client: ClientConfig): void {
  const origin = ctx.get('Origin')
  if (origin === '' || client.redirect_uris.some((uri) => originOf(uri) === origin)) return
  ctx.remove('Access-Control-Allow-Origin')
  throw new TokenRefusal('invalid_request', 'pages of this origin are not registered for this client')
}

/** Undefined for a private-use scheme, whose origin is written 'null': so is that of anybody's sandboxed frame. */
function originOf(uri: string): string | undefined {
  const { origin } = new URL(uri)
  return origin === 'null' ? undefined : origin
}
