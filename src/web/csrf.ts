/**
 * Forms are believed only from the browser that our page was given to: a random
 * cookie, and in the form a token made from it with a key that only we have.
 * What browsers say of where a form comes from (Sec-Fetch-Site, Origin) is
 * believed where it is sent.
 */
import { randomBytes } from 'node:crypto'
import type { Context, Middleware } from 'koa'
import { cookieSigning } from './cookie-signing.ts'
import { readForm } from './form.ts'
import { PageError } from './page-error.ts'

type CsrfRefusal = 'other-site' | 'other-origin' | 'no-token' | 'wrong-token'

interface CsrfOptions {
  /** The first makes tokens, all are good for verifying them. */
  cookieKeys: readonly string[]
  issuer: string
  /** Every path that is one of these or lies below it is protected. */
  paths: readonly string[]
  /** Awaited before the refusal is answered: the audit trail. */
  onRefused?: (ctx: Context, reason: CsrfRefusal) => Promise<void>
}

const COOKIE_VALUE = /^[\w-]{43}$/
const HARMLESS = new Set(['GET', 'HEAD', 'OPTIONS'])

export function csrf({ cookieKeys, issuer, paths, onRefused }: CsrfOptions): Middleware {
  const { origin, protocol } = new URL(issuer)
  const signing = cookieSigning(cookieKeys)
  const isSecure = protocol === 'https:'
  // __Host-: no neighbouring subdomain can plant it. Browsers take it over https only.
  const cookieName = isSecure ? '__Host-keyward_browser' : 'keyward_browser'

  function cookieOf(ctx: Context): string | undefined {
    const value = ctx.cookies.get(cookieName, { signed: false })
    return value !== undefined && COOKIE_VALUE.test(value) ? value : undefined
  }

  function newCookie(ctx: Context): string {
    const value = randomBytes(32).toString('base64url')
    // Not through ctx.cookies: it refuses Secure where a proxy ends TLS without saying so.
    ctx.append('Set-Cookie', `${cookieName}=${value}; Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`)
    return value
  }

  async function refusalOf(ctx: Context): Promise<CsrfRefusal | undefined> {
    const site = ctx.get('Sec-Fetch-Site')
    if (site !== '' && site !== 'same-origin' && site !== 'none') return 'other-site'
    const sentOrigin = ctx.get('Origin')
    if (sentOrigin !== '' && sentOrigin !== origin) return 'other-origin'
    const cookie = cookieOf(ctx)
    const { csrf: token } = await readForm(ctx, ['csrf'])
    if (cookie === undefined || token === '') return 'no-token'
    return signing.verify(tokenText(cookie), token) ? undefined : 'wrong-token'
  }

  async function protect(ctx: Context): Promise<void> {
    const reason = await refusalOf(ctx)
    if (reason === undefined) return
    await onRefused?.(ctx, reason)
    throw new PageError(403, 'csrf', { cause: new Error(reason) })
  }

  return (ctx, next) => {
    let cookie: string | undefined
    ctx.state.csrfToken = () => {
      cookie ??= cookieOf(ctx) ?? newCookie(ctx)
      return signing.sign(tokenText(cookie))
    }
    const isProtected = !HARMLESS.has(ctx.method) && paths.some((path) => isWithin(ctx.path, path))
    return isProtected ? protect(ctx).then(next) : next()
  }
}

/** The token for the forms of this page; gives the browser its cookie where it has none. '' on pages outside csrf(). */
export function csrfToken(ctx: Context): string {
  const make: (() => string) | undefined = ctx.state.csrfToken
  return make === undefined ? '' : make()
}

// Routers may ignore case: so does this.
function isWithin(path: string, prefix: string): boolean {
  const asked = path.toLowerCase()
  return asked === prefix || asked.startsWith(`${prefix}/`)
}

/** No cookie is signed as this text: it has no `=`. */
function tokenText(cookie: string): string {
  return `csrf${cookie}`
}
