/** F9: a Redis whose settings may lose records is refused at a start in production, and noticed where they change later. */
import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../harness/free-port.ts'
import { runToEnd, startProcess } from '../harness/keyward-process.ts'
import { type RedisServer, startRedis } from '../harness/redis-server.ts'

const key = (): string => randomBytes(32).toString('base64url')
const env = { SEALING_KEY: key(), LOOKUP_KEY: key(), COOKIE_KEY: key() }

const production = (port: number, store: string): string => `
issuer: https://sign-in.hospital.example
listen: { port: ${port} }
store: "${store}"
secrets: { sealingKeys: [{ id: 1, key: "\${SEALING_KEY}" }], lookupKey: "\${LOOKUP_KEY}", cookieKeys: ["\${COOKIE_KEY}"] }
organization: { name: Hospital Example, supportPhone: "+1 555 0199" }
`

let redis: RedisServer
let client: Redis
beforeAll(async () => {
  redis = await startRedis()
  client = new Redis(redis.url)
})
afterEach(async () => {
  await client.config('SET', 'maxmemory-policy', 'noeviction')
  await client.config('SET', 'appendonly', 'yes')
  // Each server has keys of its own.
  await client.flushall()
})
afterAll(async () => {
  client?.disconnect()
  await redis?.stop()
})

describe('F9: a start in production', () => {
  test.each([
    ['maxmemory-policy', 'allkeys-lru', 'its maxmemory-policy is allkeys-lru, so it may drop records: set it to noeviction'],
    ['maxmemory-policy', 'volatile-ttl', 'its maxmemory-policy is volatile-ttl, so it may drop records: set it to noeviction'],
    ['appendonly', 'no', 'its appendonly is off, so a restart loses records: set it to yes']
  ])('with %s %s ends with a line that says so', async (setting, value, line) => {
    await client.config('SET', setting, value)
    const { code, stderr } = await runToEnd(production(await freePort(), redis.url), env)
    expect({ code, stderr: stderr.trim() }).toEqual({ code: 1, stderr: `the store may lose records: Redis: ${line}` })
  })

  test('of a store of an unknown version is refused, and leaves it as it is', async () => {
    await client.set('kw:schema', '99')
    const { code, stderr } = await runToEnd(production(await freePort(), redis.url), env)
    expect(code).toBe(1)
    expect(stderr).toContain('schema version 99')
    expect(await client.get('kw:schema')).toBe('99')
  })
})

test('F9: the demo starts, is ready, and says what production would not accept', async () => {
  await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
  const keyward = await startProcess({ change: (yaml) => yaml.replace(/^store: .*$/m, `store: "${redis.url}"`) })
  expect(keyward.log().join()).toContain('its maxmemory-policy is allkeys-lru')
  await keyward.stop()
})

test('F9: a policy that is changed under a running server makes it not ready within 30 seconds, until it is changed back', async () => {
  const keyward = await startProcess({
    env,
    change: (yaml) => production(Number(/port: (\d+)/.exec(yaml)?.[1]), redis.url)
  })
  const readiness = async (): Promise<unknown> => (await fetch(`http://127.0.0.1:${keyward.port}/readyz`)).json()
  expect(await readiness()).toEqual({ status: 'ready', store: 'redis' })
  await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
  await expect.poll(readiness, { timeout: 30_000, interval: 250 }).toEqual({ status: 'not-ready', reason: 'store-settings' })
  expect(keyward.log().join()).toContain('its maxmemory-policy is allkeys-lru')
  await client.config('SET', 'maxmemory-policy', 'noeviction')
  await expect.poll(readiness, { timeout: 30_000, interval: 250 }).toEqual({ status: 'ready', store: 'redis' })
  await keyward.stop()
})
