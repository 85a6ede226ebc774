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
  const isOurs = (named: string) => named === host || (HOST.test(named) && URL.parse(`${protocol}//${named}`)?.host === host)

  async function refuse(ctx: Context): Promise<never> {
    await onRefused?.(ctx, 'host')
    throw new PageError(400, 'host')
  }

  return (ctx, next) => {
    const { url, rawHeaders, headers } = ctx.req
    if (url === undefined || url.length > URL_LIMIT) throw new PageError(414, 'address-too-long')
    const { size, hosts } = measure(rawHeaders)
    if (size > HEADERS_LIMIT) throw new PageError(431, 'too-large')
    // An absolute target would name a second host; the engine builds addresses from what it reads.
    // Two Host headers: a proxy before us may have gone by the other one, RFC 9112 §3.2.
    if (!url.startsWith('/') || hosts > 1 || !isOurs(headers.host ?? '')) return refuse(ctx)
    const length = Number(headers['content-length'])
    if (length > BODY_LIMIT) {
      if (length > DISCARD_LIMIT) ctx.set('Connection', 'close')
      throw new PageError(413, 'too-large')
    }
    return next()
  }
}

/** How large a head is, and how many Host headers it has. */
function measure(rawHeaders: string[]): { size: number; hosts: number } {
  let size = 0
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 1) {
    const part = rawHeaders[at] ?? ''
    size += part.length + 2
    if (at % 2 === 0 && part.length === 4 && part.toLowerCase() === 'host') hosts += 1
  }
  return { size, hosts }
}
