/**
 * The outer limits: which Host we answer for, how long addresses, heads and
 * bodies may be. How slow a peer may be is up to http-server.ts.
 */
import type { Context, Middleware } from 'koa'
import { BODY_LIMIT } from './body.ts'
import { HEADERS_LIMIT, URL_LIMIT } from './http-server.ts'
import { PageError } from './page-error.ts'

/** Up to here a body that is refused is read to its end and thrown away, so that the peer sees the answer. */
const DISCARD_LIMIT = 1024 * 1024
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i

interface LimitOptions {
  issuer: string
  /** Awaited before the refusal is answered: the audit trail. */
  onRefused?: (ctx: Context, reason: 'host') => Promise<void>
}

export function limits({ issuer, onRefused }: LimitOptions): Middleware {
  const { protocol, host } = new URL(issuer)
  const isOurs = (named: string) => HOST.test(named) && URL.parse(`${protocol}//${named}`)?.host === host

  return async (ctx, next) => {
    if (ctx.url.length > URL_LIMIT) throw new PageError(414, 'address-too-long')
    if (headersSize(ctx.req.rawHeaders) > HEADERS_LIMIT) throw new PageError(431, 'too-large')
    // An absolute target would name a second host; the engine builds addresses from what it reads.
    if (!ctx.url.startsWith('/') || hasSecondHost(ctx.req.rawHeaders) || !isOurs(ctx.req.headers.host ?? '')) {
      await onRefused?.(ctx, 'host')
      throw new PageError(400, 'host')
    }
    const length = Number(ctx.get('Content-Length'))
    if (length > BODY_LIMIT) {
      if (length > DISCARD_LIMIT) ctx.set('Connection', 'close')
      throw new PageError(413, 'too-large')
    }
    await next()
  }
}

/** RFC 9112 §3.2: refused, since a proxy before us may have gone by the other one. */
function hasSecondHost(rawHeaders: string[]): boolean {
  return rawHeaders.filter((part, at) => at % 2 === 0 && part.toLowerCase() === 'host').length > 1
}

function headersSize(rawHeaders: string[]): number {
  return rawHeaders.reduce((size, part) => size + part.length + 2, 0)
}
