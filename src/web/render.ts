/**
 * Turns a template and its members into the answer. Templates are trusted code
 * in views/; what they print is escaped; a member that they read and were not
 * given throws instead of printing "undefined".
 */
import { join } from 'node:path'
import { Eta } from 'eta'
import type { Context, Middleware } from 'koa'
import type { Config } from '../config/config.ts'
import { csrfToken } from './csrf.ts'
import type { Translate } from './locales.ts'
import { loadLocales } from './locales.ts'
import { sourceOf } from './request.ts'
import { nonceOf } from './security-headers.ts'

interface Pages {
  print(template: string, members: Record<string, unknown>): string
  languages: string[]
  translator(language: string): Translate
  organization: Config['organization']
  issuer: string
}

interface PageOptions {
  viewsDir: string
  organization: Config['organization']
  issuer: string
}

/** Lets `render` find the templates and texts. Goes before errorPages, whose pages need them too. */
export function pages({ viewsDir, organization, issuer }: PageOptions): Middleware {
  const locales = loadLocales(join(viewsDir, 'locales'))
  // A phone number is read, and dialled, in one line.
  const supportPhone = organization.supportPhone.replaceAll(' ', '\u00a0')
  const found: Pages = { print: createPrinter(viewsDir), ...locales, organization: { ...organization, supportPhone }, issuer }
  return (ctx, next) => {
    ctx.state.pages = found
    return next()
  }
}

/** Answers with views/<template>.eta. Nothing of the answer is set where the template throws. */
export function render(ctx: Context, template: string, members: Record<string, unknown>, status = 200): void {
  const { print, organization, issuer } = pagesOf(ctx)
  const html = print(template, {
    t: translatorOf(ctx),
    lang: languageOf(ctx),
    organization,
    issuer,
    csrf: csrfToken(ctx),
    nonce: nonceOf(ctx),
    requestId: sourceOf(ctx).requestId,
    path: ctx.path,
    ...members
  })
  ctx.status = status
  ctx.type = 'text/html; charset=utf-8'
  ctx.set({ 'Content-Language': languageOf(ctx), 'Cache-Control': 'no-store', Vary: 'Accept-Language' })
  ctx.body = html
}

/** The texts in the language of this request, for members that are put together outside a template. */
export function translatorOf(ctx: Context): Translate {
  return pagesOf(ctx).translator(languageOf(ctx))
}

/** What `ui_locales` of the authorization request asked for, most wanted first; it wins over the browser's language. */
export function preferLanguages(ctx: Context, uiLocales: unknown): void {
  ctx.state.uiLocales = uiLocales
}

export function languageOf(ctx: Context): string {
  const { languages } = pagesOf(ctx)
  const wanted: unknown[] = [ctx.state.uiLocales, ctx.query.ui_locales]
  const asked = wanted.find((value) => typeof value === 'string') ?? ''
  for (const tag of asked.split(' ')) {
    const primary = tag.toLowerCase().split('-')[0]
    const known = languages.find((language) => language === tag || language === primary)
    if (known !== undefined) return known
  }
  return ctx.acceptsLanguages(languages) || languages[0] || 'en'
}

export function hasPages(ctx: Context): boolean {
  return ctx.state.pages !== undefined
}

function pagesOf(ctx: Context): Pages {
  const found: Pages | undefined = ctx.state.pages
  if (found === undefined) throw new Error('pages() has not seen this request')
  return found
}

/** Prints templates of a folder. Layouts and partials get the same strict members as the page itself. */
export function createPrinter(viewsDir: string): Pages['print'] {
  const eta = new Eta({ views: viewsDir, autoEscape: true, cache: true })
  const printNamed = eta.render.bind(eta)
  eta.render = (template, members, meta) => printNamed(template, strict(members), meta)
  return (template, members) => eta.render(`./${template}`, members)
}

function strict<T extends object>(members: T): T {
  return new Proxy(members, {
    get(target, name, receiver) {
      if (typeof name === 'string' && name !== '__blocks' && !Object.hasOwn(target, name)) {
        throw new Error(`the template reads the member ${JSON.stringify(name)}, which it was not given`)
      }
      return Reflect.get(target, name, receiver)
    }
  })
}
