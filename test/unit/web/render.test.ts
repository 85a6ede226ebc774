import type { Context } from 'koa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { preferLanguages, render } from '../../../src/web/render.ts'
import type { Served } from './app.ts'
import { ask, BROWSER, serve } from './app.ts'

describe('render', () => {
  let served: Served
  let page: (ctx: Context) => void
  beforeEach(async () => {
    served = await serve({ routes: [async (ctx) => page(ctx)] })
  })
  afterEach(() => served.close())

  test('puts the page in its layout, escapes what it prints, and names language and type', async () => {
    page = (ctx) => render(ctx, 'hello', { name: '<b>Maria</b>' }, 422)
    const answer = await ask(served, '/', { headers: BROWSER })
    expect(answer.status).toBe(422)
    expect(answer.text).toBe(
      '<html lang="en"><title>Hello - Sample &lt;Clinic&gt;</title><p>Hello &lt;b&gt;Maria&lt;/b&gt;</p><b>1</b></html>'
    )
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-language': 'en',
      'cache-control': 'no-store'
    })
  })

  test.each([
    [{ 'Accept-Language': 'es-MX,es;q=0.9,en;q=0.5' }, '/', 'es'],
    [{ 'Accept-Language': 'fr' }, '/', 'en'],
    [{}, '/', 'en'],
    [{ 'Accept-Language': 'en' }, '/?ui_locales=fr%20es-AR', 'es'],
    [{ 'Accept-Language': 'es' }, '/?ui_locales=fr', 'es'],
    [{ 'Accept-Language': 'es' }, '/?ui_locales=en&ui_locales=es', 'es']
  ])('speaks the language asked for: %o at %s', async (headers, path, language) => {
    page = (ctx) => render(ctx, 'hello', { name: 'M' })
    expect((await ask(served, path, { headers })).headers['content-language']).toBe(language)
  })

  test('lets a route name the languages of the authorization request', async () => {
    page = (ctx) => {
      preferLanguages(ctx, 'es')
      render(ctx, 'hello', { name: 'M' })
    }
    expect((await ask(served, '/', { headers: { 'Accept-Language': 'en' } })).text).toContain('Hola M')
  })

  test.each([
    ['a member that is missing', 'missing', {}],
    ['a member that is missing in a partial', 'missing-in-part', {}],
    ['a text that this language lacks', 'missing-text', { 'Accept-Language': 'es' }],
    ['a variable that a text lacks', 'missing-variable', {}],
    ['an unknown template', 'nowhere', {}]
  ])('throws, and shows the error page, for %s', async (_what, template, headers) => {
    page = (ctx) => render(ctx, template, {})
    const answer = await ask(served, '/', { headers: { ...BROWSER, ...headers } })
    expect(answer.status).toBe(500)
    expect(answer.text).toContain('Heading internal')
    expect(answer.text).not.toMatch(/undefined|absent|only/)
  })
})
