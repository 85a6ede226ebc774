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

/** What the pages of one request are allowed. */
interface Protection {
  nonce?: string
  formActions: string[]
  /** Origins whose pages may hold this answer in a frame; empty: none. */
  framedBy: string[]
}

const ALWAYS = Object.entries({
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'Cross-Origin-Resource-Policy': 'same-origin'
})
const BANNERS = ['X-Powered-By', 'Server']
const HSTS = 'max-age=31536000; includeSubDomains'
const SOURCE = /^(?:https?:\/\/(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d+)?|[a-z][a-z0-9+.-]*:)$/

/** What a document that is not a page of ours may do: nothing. */
export const BARE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

export function securityHeaders(): Middleware {
  return (ctx, next) => {
    const protection: Protection = { formActions: [], framedBy: [] }
    ctx.state.protection = protection
    const { res } = ctx
    res.writeHead = new Proxy(res.writeHead, {
      apply(writeHead, self, args) {
        for (const [name, value] of ALWAYS) res.setHeader(name, value)
        // It knows no list of origins: frame-ancestors says the same, and more.
        if (protection.framedBy.length > 0) res.removeHeader('X-Frame-Options')
        const isPage = String(res.getHeader('content-type') ?? '').startsWith('text/html')
        res.setHeader('Content-Security-Policy', framing(isPage ? pagePolicy(protection) : BARE_POLICY, protection))
        if (ctx.secure) res.setHeader('Strict-Transport-Security', HSTS)
        for (const name of BANNERS) res.removeHeader(name)
        return Reflect.apply(writeHead, self, args)
      }
    })
    return next()
  }
}

/** What a script or style written into this page must carry: new for each answer. */
export function nonceOf(ctx: Context): string {
  return nonceIn(protectionOf(ctx))
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
  protectionOf(ctx).formActions.push(source)
}

/** Lets pages of these origins hold this answer in a frame: only for what shows nothing of a person and takes nothing. */
export function allowFraming(ctx: Context, origins: readonly string[]): void {
  for (const origin of origins) {
    if (!SOURCE.test(origin)) throw new Error(`not a source for frame-ancestors: ${JSON.stringify(origin)}`)
    protectionOf(ctx).framedBy.push(origin)
  }
}

function framing(policy: string, { framedBy }: Protection): string {
  return framedBy.length === 0 ? policy : policy.replace("frame-ancestors 'none'", `frame-ancestors ${framedBy.join(' ')}`)
}

/** Cross-Origin-Opener-Policy, for pages that no app opened: on others it would cut a popup launch from its opener. */
export function isolateWindow(ctx: Context): void {
  ctx.set('Cross-Origin-Opener-Policy', 'same-origin')
}

function pagePolicy(protection: Protection): string {
  const nonce = nonceIn(protection)
  return [
    "default-src 'none'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    `script-src 'nonce-${nonce}'`,
    ["form-action 'self'", ...new Set(protection.formActions)].join(' '),
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'"
  ].join('; ')
}

/** Made when it is first asked for: most answers are no pages. */
function nonceIn(protection: Protection): string {
  protection.nonce ??= randomBytes(18).toString('base64')
  return protection.nonce
}

function protectionOf(ctx: Context): Protection {
  const { protection }: { protection?: Protection } = ctx.state
  if (!protection) throw new Error('securityHeaders has not seen this request')
  return protection
}
