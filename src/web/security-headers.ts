/**
 * The headers that protect every answer, whoever writes it: pages, JSON,
 * redirects, errors, and what is mounted inside. They are set at the moment the
 * head is written, so that nothing can forget or remove them.
 *
 * Referrer-Policy is same-origin: with no-referrer our own forms would send
 * `Origin: null`.
 */
import { randomBytes } from 'node:crypto'
import type { Context, Middleware } from 'koa'

const ALWAYS = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'Cross-Origin-Resource-Policy': 'same-origin'
}
const HSTS = 'max-age=31536000; includeSubDomains'
const SOURCE = /^(?:https?:\/\/(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d+)?|[a-z][a-z0-9+.-]*:)$/

/** What a document that is not a page of ours may do: nothing. */
export const BARE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

export function securityHeaders(): Middleware {
  return async (ctx, next) => {
    const nonce = randomBytes(18).toString('base64')
    ctx.state.nonce = nonce
    ctx.state.formActions = []
    const { res } = ctx
    res.writeHead = new Proxy(res.writeHead, {
      apply(writeHead, self, args) {
        for (const [name, value] of Object.entries(headersFor(ctx, nonce))) res.setHeader(name, value)
        for (const name of ['X-Powered-By', 'Server']) res.removeHeader(name)
        return Reflect.apply(writeHead, self, args)
      }
    })
    await next()
  }
}

/** What a script or style written into this page must carry. */
export function nonceOf(ctx: Context): string {
  const { nonce }: { nonce?: unknown } = ctx.state
  if (typeof nonce !== 'string') throw new Error('securityHeaders has not seen this request')
  return nonce
}

/**
 * Lets the forms of this page end in a redirect to `uri`, the validated address
 * of the app: form-action governs the redirects after a submission too.
 */
export function allowFormAction(ctx: Context, uri: string): void {
  const url = new URL(uri)
  const source = url.protocol === 'https:' || url.protocol === 'http:' ? url.origin : url.protocol
  // A host may hold ';' or ',', which would end the directive.
  if (!SOURCE.test(source)) throw new Error(`not a source for form-action: ${JSON.stringify(source)}`)
  formActionsOf(ctx).push(source)
}

/** Cross-Origin-Opener-Policy, for pages that no app opened: on others it would cut a popup launch from its opener. */
export function isolateWindow(ctx: Context): void {
  ctx.set('Cross-Origin-Opener-Policy', 'same-origin')
}

function headersFor(ctx: Context, nonce: string): Record<string, string> {
  const isPage = String(ctx.res.getHeader('content-type') ?? '').startsWith('text/html')
  return {
    ...ALWAYS,
    'Content-Security-Policy': isPage ? pagePolicy(nonce, formActionsOf(ctx)) : BARE_POLICY,
    ...(ctx.secure ? { 'Strict-Transport-Security': HSTS } : {})
  }
}

function pagePolicy(nonce: string, formActions: string[]): string {
  return [
    "default-src 'none'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    `script-src 'nonce-${nonce}'`,
    ["form-action 'self'", ...new Set(formActions)].join(' '),
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'"
  ].join('; ')
}

function formActionsOf(ctx: Context): string[] {
  const sources: unknown = ctx.state.formActions
  if (!Array.isArray(sources)) throw new Error('securityHeaders has not seen this request')
  return sources
}
