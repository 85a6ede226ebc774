/** F8: a Redis that may use no more memory. What only reads or removes goes on, what would write is 503, and it heals by itself. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { authorize, introspect, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { type Keyward, startKeyward, storeOf } from '../harness/keyward.ts'
import { startProcess } from '../harness/keyward-process.ts'

let keyward: Keyward
let client: Redis
beforeAll(async () => {
  keyward = await startKeyward({ store: 'redis' })
  expect(await storeOf(keyward.issuer)).toBe('redis')
  client = new Redis(keyward.redis?.url ?? '')
})
afterAll(async () => {
  client?.disconnect()
  await keyward?.stop()
})

const usedBy = async (server: Redis): Promise<number> => Number(/^used_memory:(\d+)/m.exec(await server.info('memory'))?.[1] ?? 0)

test('F8: sign-ins are 503, introspection and discovery go on, a revoked token ends, and once there is room all works', async () => {
  const app = newApp(keyward.issuer)
  const browser = newBrowser(keyward.issuer)
  const first = (await app.redeem(app.codeFrom(await authorize(browser, app.authorizationUrl())))).body
  const other = (await app.redeem(app.codeFrom(await authorize(browser, app.authorizationUrl())))).body

  // Half of what is in use: it is full, whatever is freed meanwhile.
  await client.config('SET', 'maxmemory', String(Math.floor((await usedBy(client)) / 2)))

  const begin = await fetch(app.authorizationUrl(), { headers: { Accept: 'text/html' }, redirect: 'manual' })
  expect({ status: begin.status, location: begin.headers.get('location') }).toEqual({ status: 503, location: null })
  expect(Number(begin.headers.get('retry-after'))).toBeGreaterThan(0)
  const refreshed = await app.refresh(first.refresh_token ?? '')
  expect({ status: refreshed.status, error: refreshed.body.error }).toEqual({ status: 503, error: 'temporarily_unavailable' })
  expect((await introspect(keyward.issuer, first.access_token ?? '')).body).toMatchObject({ active: true })
  expect((await fetch(`${keyward.issuer}/.well-known/openid-configuration`)).status).toBe(200)
  // The record of it can't be written, so it is not said to have been done; but what is revoked ends at once.
  const revoked = await fetch(`${keyward.issuer}/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ token: other.refresh_token ?? '', client_id: 'heart-app' })
  })
  expect(revoked.status).toBe(503)
  expect((await introspect(keyward.issuer, other.access_token ?? '')).text).toBe('{"active":false}')

  await client.config('SET', 'maxmemory', '0')
  // Refused by Redis before anything was spent.
  expect((await app.refresh(first.refresh_token ?? '')).status).toBe(200)
  expect((await app.redeem(app.codeFrom(await authorize(browser, app.authorizationUrl())))).status).toBe(200)
})

test('F8: the log says so before it is full, at 80 %, and that there is room again', async () => {
  const running = await startProcess({ store: 'redis' })
  const redis = new Redis(running.redis?.url ?? '')
  const logs = (words: string) => () => running.log().some((line) => line.includes(words))
  await redis.config('SET', 'maxmemory', String(Math.floor((await usedBy(redis)) * 1.15)))
  await expect.poll(logs('ALARM: the store is nearly full'), { timeout: 30_000, interval: 250 }).toBe(true)
  expect((await fetch(`${running.issuer}/readyz`)).status).toBe(200)
  await redis.config('SET', 'maxmemory', '0')
  await expect.poll(logs('the store has room again'), { timeout: 30_000, interval: 250 }).toBe(true)
  redis.disconnect()
  await running.stop()
})
