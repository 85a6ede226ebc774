/**
 * Lets apps in a browser, served from anywhere, read answers. Their token comes
 * in a header that only they can set, never in a cookie, so any origin will do.
 */
import type { Middleware } from 'koa'

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE'
const REQUEST_HEADERS = 'authorization, content-type, accept, prefer, if-none-match, x-requested-with, x-request-id'
const ANSWER_HEADERS = 'content-location, etag, last-modified, location, retry-after, www-authenticate'

/** Discovery documents stay open to every origin, as SMART wants, when `allowOrigins` names just a few for the rest. */
export function crossOrigin(allowOrigins: string[] | undefined): Middleware {
  return async (ctx, next) => {
    const origin = ctx.get('Origin')
    if (allowOrigins === undefined || ctx.path.endsWith('/.well-known/smart-configuration') || ctx.path.endsWith('/metadata')) {
      ctx.set('Access-Control-Allow-Origin', '*')
    } else {
      ctx.vary('Origin')
      if (allowOrigins.includes(origin)) ctx.set('Access-Control-Allow-Origin', origin)
    }
    ctx.set('Access-Control-Expose-Headers', ANSWER_HEADERS)
    if (ctx.method !== 'OPTIONS') return next()
    ctx.set('Access-Control-Allow-Methods', METHODS)
    ctx.set('Access-Control-Allow-Headers', REQUEST_HEADERS)
    ctx.set('Access-Control-Max-Age', '600')
    ctx.status = 204
  }
}
