import { once } from 'node:events'
import Koa from 'koa'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { health } from '../../../src/observability/health.ts'
import { createLogger } from '../../../src/observability/logger.ts'

let check: () => Promise<void>
let draining: boolean
let unsafe: boolean
let url: string
let close: () => void

beforeEach(async () => {
  check = async () => undefined
  draining = false
  unsafe = false
  const app = new Koa()
  app.use(
    health({
      driver: 'sqlite',
      check: () => check(),
      isUnsafe: () => unsafe,
      isDraining: () => draining,
      logger: createLogger({ level: 'silent' })
    })
  )
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  url = typeof address === 'object' ? `http://127.0.0.1:${address?.port}` : ''
  close = () => {
    server.closeAllConnections()
    server.close()
  }
})
afterEach(() => close())

async function ask(path: string, method = 'GET'): Promise<[number, unknown]> {
  const answer = await fetch(url + path, { method })
  return [answer.status, answer.headers.get('content-type')?.includes('json') ? await answer.json() : undefined]
}

test('says that it lives and is ready, and names the store', async () => {
  expect(await ask('/livez')).toEqual([200, { status: 'ok' }])
  expect(await ask('/readyz')).toEqual([200, { status: 'ready', store: 'sqlite' }])
})

test('is not ready, and lives, while the store is away; the reason tells nothing else', async () => {
  check = () => Promise.reject(new Error('redis at 10.0.0.1'))
  expect(await ask('/readyz')).toEqual([503, { status: 'not-ready', reason: 'store' }])
  expect(await ask('/livez')).toEqual([200, { status: 'ok' }])
})

test('is not ready while the settings of the store may lose records', async () => {
  unsafe = true
  expect(await ask('/readyz')).toEqual([503, { status: 'not-ready', reason: 'store-settings' }])
  unsafe = false
  expect((await ask('/readyz'))[0]).toBe(200)
})

test('is not ready once it drains', async () => {
  draining = true
  expect(await ask('/readyz')).toEqual([503, { status: 'not-ready', reason: 'draining' }])
})

test('leaves other paths and methods to others', async () => {
  expect((await ask('/livez/x'))[0]).toBe(404)
  expect((await ask('/livez', 'POST'))[0]).toBe(404)
})
