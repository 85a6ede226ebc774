import type { Context } from 'koa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StoreUnavailable } from '../../../src/store/store.ts'
import { PageError } from '../../../src/web/page-error.ts'
import type { Served } from './app.ts'
import { ask, BROWSER, serve } from './app.ts'

describe('errors', () => {
  let served: Served
  let answerWith: (ctx: Context) => void
  beforeEach(async () => {
    served = await serve({ routes: [async (ctx) => answerWith(ctx)] })
  })
  afterEach(() => served.close())

  const faults: [string, () => unknown][] = [
    ['an error', () => new Error('secret-detail in /srv/app.ts', { cause: new Error('SELECT secret-detail') })],
    ['a string', () => 'secret-detail'],
    ['undefined', () => undefined],
    ['an object that poses as a refusal', () => ({ status: 400, expose: true, message: 'secret-detail' })],
    ['an error that names a success', () => Object.assign(new Error('secret-detail'), { status: 200, expose: true })]
  ]

  test.each(faults)('case 149: %s becomes generic words and an id, as a page and as JSON', async (_what, thrown) => {
    answerWith = () => {
      throw thrown()
    }
    for (const headers of [BROWSER, { Accept: 'application/json' }, {}]) {
      const answer = await ask(served, '/secret-detail?secret-detail=1', { headers })
      expect(answer.status).toBe(500)
      expect(answer.text).not.toMatch(/secret-detail|SELECT|\.ts|\n\s*at |koa|node_modules/i)
      expect(answer.text).toContain(answer.headers['x-request-id'])
      expect(served.log.join('')).toContain(answer.headers['x-request-id'])
      if (!('Accept' in headers) || headers.Accept === 'application/json') {
        expect(JSON.parse(answer.text)).toEqual({
          error: 'server_error',
          error_description: 'Internal Server Error',
          request_id: answer.headers['x-request-id']
        })
      }
    }
  })

  test('the cause of a fault is in the log', async () => {
    answerWith = () => {
      throw new Error('outer', { cause: new Error('inner reason') })
    }
    await ask(served, '/')
    expect(served.log.join('')).toContain('inner reason')
  })

  test.each([
    ['itself', () => new StoreUnavailable('redis at 10.0.0.1 is away')],
    [
      'as the cause of another',
      () => new Error('engine', { cause: new Error('adapter', { cause: new StoreUnavailable('away') }) })
    ]
  ])('a store that is away, thrown %s, becomes 503 with Retry-After', async (_what, thrown) => {
    answerWith = () => {
      throw thrown()
    }
    const answer = await ask(served, '/')
    expect(answer.status).toBe(503)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(3)
    expect(JSON.parse(answer.text)).toMatchObject({ error: 'temporarily_unavailable' })
    expect((await ask(served, '/', { headers: BROWSER })).text).toContain('Heading unavailable')
  })

  test('a refusal shows its own texts, and its page is not kept', async () => {
    answerWith = () => {
      throw new PageError(403, 'host')
    }
    const answer = await ask(served, '/', { headers: BROWSER })
    expect(answer).toMatchObject({ status: 403, text: expect.stringContaining('<h1>Heading host</h1>') })
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  test('a refusal without texts still answers with its status and id', async () => {
    answerWith = () => {
      throw new PageError(418, 'unheard-of')
    }
    const answer = await ask(served, '/', { headers: BROWSER })
    expect(answer).toMatchObject({ status: 418, text: `I'm a Teapot\n${answer.headers['x-request-id']}\n` })
  })

  test("Koa's own refusals keep their status and lose their message", async () => {
    answerWith = (ctx) => ctx.throw(409, 'message of a library')
    const answer = await ask(served, '/')
    expect(answer.status).toBe(409)
    expect(answer.text).not.toContain('library')
  })

  test('what nobody answers is 404; what a router marks as 405 keeps its Allow', async () => {
    answerWith = () => undefined
    expect(await ask(served, '/', { headers: BROWSER })).toMatchObject({
      status: 404,
      text: expect.stringContaining('Heading not-found')
    })
    answerWith = (ctx) => {
      ctx.status = 405
      ctx.body = null
      ctx.status = 405
      ctx.set('Allow', 'POST')
    }
    expect(await ask(served, '/')).toMatchObject({
      status: 405,
      headers: { allow: 'POST' },
      text: expect.stringContaining('method_not_allowed')
    })
  })
})
