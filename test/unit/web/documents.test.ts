import type { Middleware } from 'koa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Documents, keptDocuments } from '../../../src/web/documents.ts'
import { PageError } from '../../../src/web/page-error.ts'
import type { Served } from './app.ts'
import { ask, serve } from './app.ts'

describe('kept documents', () => {
  let served: Served
  let documents: Documents
  let made: number
  let answerWith: Middleware
  beforeEach(async () => {
    made = 0
    documents = keptDocuments({ paths: ['/document'], maxAge: 300 })
    answerWith = (ctx) => {
      made += 1
      ctx.vary('Origin')
      ctx.body = { made, at: `${ctx.protocol}://${ctx.host}` }
    }
    served = await serve({
      trustedProxies: ['127.0.0.1'],
      routes: [documents.middleware, (ctx, next) => answerWith(ctx, next)]
    })
  })
  afterEach(() => served.close())

  const read = async (headers: Record<string, string> = {}) => {
    const answer = await ask(served, '/document', { headers })
    return { ...answer, body: JSON.parse(answer.text) }
  }

  test('one is made once, and is the same to everybody, for so long as whoever reads it may keep it', async () => {
    const first = await read({ Origin: 'https://app.example' })
    const second = await read()
    expect(second.body).toEqual({ made: 1, at: served.url })
    expect(second.text).toBe(first.text)
    for (const { status, headers } of [first, second]) {
      expect(status).toBe(200)
      expect(headers).toMatchObject({
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'public, max-age=300',
        'access-control-allow-origin': '*'
      })
      expect(headers).not.toHaveProperty('vary')
    }
  })

  test('one that names addresses does so by the protocol of the request', async () => {
    await read()
    expect((await read({ 'X-Forwarded-Proto': 'https' })).body.at).toMatch(/^https:/)
    expect((await read()).body.at).toMatch(/^http:/)
  })

  test('one that was forgotten is made anew', async () => {
    await read()
    documents.forget()
    expect((await read()).body.made).toBe(2)
    expect((await read()).body.made).toBe(2)
  })

  test('one that was being made when it was to be forgotten is not kept', async () => {
    const begun = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    answerWith = async (ctx) => {
      begun.resolve()
      await goOn.promise
      ctx.body = { made: 'from the old keys' }
    }
    const reading = read()
    await begun.promise
    documents.forget()
    goOn.resolve()
    await reading
    answerWith = (ctx) => {
      ctx.body = { made: 'from the new keys' }
    }
    expect((await read()).body.made).toBe('from the new keys')
  })

  test('a refusal is not kept', async () => {
    answerWith = () => {
      throw new PageError(503, 'unavailable')
    }
    const refused = await ask(served, '/document')
    expect(refused.status).toBe(503)
    expect(refused.headers['cache-control']).toBe('no-store')
    answerWith = (ctx) => {
      ctx.body = { made: 'later' }
    }
    expect((await read()).body.made).toBe('later')
  })

  test('nor is what is said of one that is not there', async () => {
    answerWith = (ctx) => {
      ctx.status = 404
      ctx.body = { error: 'not_found' }
    }
    for (let asked = 0; asked < 2; asked += 1) expect((await ask(served, '/document')).status).toBe(404)
  })

  test('HEAD is answered without the document, other methods and paths by what stands behind', async () => {
    await read()
    const head = await ask(served, '/document', { method: 'HEAD' })
    expect({ status: head.status, text: head.text }).toEqual({ status: 200, text: '' })
    expect(head.headers['content-length']).toBe(String(Buffer.byteLength((await read()).text)))
    answerWith = (ctx) => {
      ctx.status = 405
      ctx.body = {}
    }
    expect((await ask(served, '/document', { method: 'POST' })).status).toBe(405)
    expect((await ask(served, '/document/')).status).toBe(405)
  })
})
