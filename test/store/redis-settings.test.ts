import { Writable } from 'node:stream'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createLogger } from '../../src/observability/logger.ts'
import type { StoreDriver } from '../../src/store/driver.ts'
import { openDriver } from '../../src/store/open-store.ts'
import { watchSettings } from '../../src/store/settings-watch.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import { type RedisCluster, startRedisCluster } from '../harness/redis-cluster.ts'
import { type RedisServer, startRedis } from '../harness/redis-server.ts'

let redis: RedisServer
let cluster: RedisCluster
let client: Redis
beforeAll(async () => {
  ;[redis, cluster] = await Promise.all([startRedis(), startRedisCluster()])
  client = new Redis(redis.url)
  client.on('error', () => undefined)
})
afterEach(async () => {
  await client.config('SET', 'maxmemory-policy', 'noeviction')
  await client.set('kw:schema', '1')
})
afterAll(async () => {
  client?.disconnect()
  await Promise.all([redis?.stop(), cluster?.stop()])
})

async function open(url: string, now: () => number = Date.now): Promise<StoreDriver> {
  const driver = await openDriver(url, { now })
  onTestFinished(() => driver.close())
  return driver
}

test('F9: safe settings are no problem, on one server and on a Cluster', async () => {
  expect(await (await open(redis.url)).unsafeSettings()).toEqual([])
  expect(await (await open(cluster.url)).unsafeSettings()).toEqual([])
})

test.each([
  ['ahead', 7000],
  ['behind', -7000]
])('a clock that is seven seconds %s of that of Redis is a problem, and one of four is not', async (_, apart) => {
  const driver = await open(redis.url, () => Date.now() + apart)
  expect(await driver.unsafeSettings()).toEqual(["Redis: its clock and this machine's are 7 s apart: set both right"])
  expect(await (await open(redis.url, () => Date.now() + Math.sign(apart) * 4000)).unsafeSettings()).toEqual([])
})

test('F9: one primary of a Cluster is enough, and it is named', async () => {
  const [, second] = cluster.nodes
  const node = new Redis(second?.url ?? '')
  onTestFinished(() => node.disconnect())
  const driver = await open(cluster.url)
  await node.config('SET', 'maxmemory-policy', 'volatile-lru')
  expect(await driver.unsafeSettings()).toEqual([
    `Redis at 127.0.0.1:${second?.port}: its maxmemory-policy is volatile-lru, so it may drop records: set it to noeviction`
  ])
  await node.config('SET', 'maxmemory-policy', 'noeviction')
})

test('a user who may ask neither INFO nor TIME is told to be allowed it', async () => {
  await client.call('ACL', 'SETUSER', 'curt', 'on', '>word', '~*', '+@all', '-info', '-time')
  const driver = await open(redis.url.replace('//', '//curt:word@'))
  expect(await driver.unsafeSettings()).toEqual(['Redis: it does not tell its settings: allow INFO and TIME to the user'])
})

test('F9: a watch notices what changes, says it once in the log, and holds on to it while Redis is away', async () => {
  const log: string[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      log.push(String(chunk))
      done()
    }
  })
  const driver = await open(redis.url)
  const watch = await watchSettings({
    driver,
    demo: false,
    logger: createLogger({ level: 'info', destination }),
    every: 20
  })
  onTestFinished(() => watch.close())
  expect(watch.isUnsafe()).toBe(false)
  await client.config('SET', 'maxmemory-policy', 'allkeys-random')
  await expect.poll(() => watch.isUnsafe()).toBe(true)
  redis.pause()
  await expect(driver.unsafeSettings()).rejects.toThrow(StoreUnavailable)
  expect(watch.isUnsafe()).toBe(true)
  redis.resume()
  await client.config('SET', 'maxmemory-policy', 'noeviction')
  await expect.poll(() => watch.isUnsafe(), { timeout: 5000 }).toBe(false)
  await client.set('kw:schema', '99')
  await expect.poll(() => watch.isUnsafe()).toBe(true)
  expect(log.filter((line) => line.includes('allkeys-random'))).toHaveLength(1)
  expect(log.join()).toContain('schema version 99')
})
