import type { Context } from 'koa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PageError } from '../../../src/web/page-error.ts'
import { render } from '../../../src/web/render.ts'
import { allowFormAction, isolateWindow } from '../../../src/web/security-headers.ts'
import type { Served } from './app.ts'
import { ask, BROWSER, serve } from './app.ts'

describe('security headers', () => {
  let served: Served
  let answerWith: (ctx: Context) => void
  beforeEach(async () => {
    served = await serve({ trustedProxies: ['127.0.0.1'], routes: [async (ctx) => answerWith(ctx)] })
  })
  afterEach(() => served.close())

  const answers: [string, (ctx: Context) => void, number][] = [
    ['a page', (ctx) => render(ctx, 'hello', { name: 'M' }), 200],
    ['a redirect', (ctx) => ctx.redirect('/elsewhere'), 302],
    ['JSON', (ctx) => Object.assign(ctx, { body: { a: 1 } }), 200],
    ['no content', (ctx) => Object.assign(ctx, { status: 204 }), 204],
    ['a refusal', () => fail(new PageError(403, 'csrf')), 403],
    ['an unknown path', () => undefined, 404],
    ['a fault', () => fail(new Error('boom')), 500],
    [
      'an answer past Koa',
      (ctx) => {
        ctx.respond = false
        ctx.set('X-Powered-By', 'x')
        ctx.res.writeHead(418)
        ctx.res.end()
      },
      418
    ]
  ]

  test.each(answers)('case 91, case 127: stand on %s', async (_what, answer, status) => {
    answerWith = answer
    const { headers, ...rest } = await ask(served, '/', { headers: { ...BROWSER, 'X-Forwarded-Proto': 'https' } })
    expect(rest.status).toBe(status)
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'same-origin',
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
      'permissions-policy': expect.stringContaining('camera=()')
    })
    const policy = String(headers['content-security-policy'])
    for (const part of ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"]) expect(policy).toContain(part)
    if (String(headers['content-type']).startsWith('text/html')) {
      expect(policy).toMatch(/script-src 'nonce-[\w+/=]{24}'/)
      expect(policy).toContain("object-src 'none'")
      expect(policy).toContain("form-action 'self'; ")
    }
    expect(headers).not.toHaveProperty('server')
    expect(headers).not.toHaveProperty('cross-origin-opener-policy')
    expect(headers).not.toHaveProperty('x-powered-by')
  })

  test('case 127: the nonce is new for each answer, HSTS is for https only', async () => {
    answerWith = (ctx) => render(ctx, 'hello', { name: 'M' })
    const [one, two] = [await ask(served, '/'), await ask(served, '/')]
    expect(one.headers['content-security-policy']).not.toBe(two.headers['content-security-policy'])
    expect(one.headers).not.toHaveProperty('strict-transport-security')
  })

  test.each([
    ['https://app.example.org/cb?x=1', 'https://app.example.org'],
    ['http://localhost:9002/app', 'http://localhost:9002'],
    ['http://[::1]:9002/app', 'http://[::1]:9002'],
    ['org.example.app:/cb', 'org.example.app:']
  ])('a page may let its forms end at %s', async (uri, source) => {
    answerWith = (ctx) => {
      allowFormAction(ctx, uri)
      render(ctx, 'hello', { name: 'M' })
    }
    expect((await ask(served, '/')).headers['content-security-policy']).toContain(`form-action 'self' ${source}; `)
  })

  test.each(["https://a;script-src'*'.example", 'https://a,b.example/', 'nonsense'])(
    '%s can not be smuggled into the policy',
    async (uri) => {
      answerWith = (ctx) => {
        allowFormAction(ctx, uri)
        render(ctx, 'hello', { name: 'M' })
      }
      expect((await ask(served, '/')).status).toBe(500)
    }
  )

  test('case 127: a page isolates its window only where it asks for it', async () => {
    answerWith = (ctx) => {
      isolateWindow(ctx)
      render(ctx, 'hello', { name: 'M' })
    }
    expect((await ask(served, '/')).headers['cross-origin-opener-policy']).toBe('same-origin')
  })
})

function fail(err: Error): never {
  throw err
}
