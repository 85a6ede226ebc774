import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openDriver } from '../../src/store/open-store.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import { freePort } from '../harness/free-port.ts'
import { startRedisCluster } from '../harness/redis-cluster.ts'
import { startRedisSentinels } from '../harness/redis-sentinel.ts'
import { type RedisServer, startRedis } from '../harness/redis-server.ts'
import { newTlsFiles, type TlsFiles } from '../harness/redis-tls.ts'
import { PERMISSIONS, userArguments, userInfo } from '../harness/redis-user.ts'
import { storeContract } from './contract.ts'
import { newId, newKind, openOn } from './engine.ts'
import { redisEngine } from './redis-engine.ts'

async function start(): Promise<{ server: RedisServer; files: TlsFiles; host: string; stop: () => Promise<void> }> {
  const [files, port] = [newTlsFiles(), await freePort()]
  // The port without TLS, and the user who may do everything, are there for the test itself.
  const server = await startRedis({ arguments: ['--tls-port', String(port), ...files.serverArguments, ...userArguments] })
  const stop = async (): Promise<void> => {
    await server.stop()
    files.remove()
  }
  return { server, files, host: `127.0.0.1:${port}`, stop }
}

storeContract('redis over TLS with a restricted user', async () => {
  const { server, files, host, stop } = await start()
  return redisEngine({ url: `rediss://${userInfo()}${host}?${files.options}`, nodes: [server], stop })
})

describe('redis over TLS', () => {
  let redis: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    redis = await start()
  })
  afterAll(() => redis?.stop())

  test('the settings can be asked for by a user who may do only what operators are told to allow', async () => {
    const guide = readFileSync(resolve(import.meta.dirname, '../../docs/operators.md'), 'utf8')
    expect(guide.includes(PERMISSIONS)).toBe(true)
    const driver = await openDriver(`rediss://${userInfo()}${redis.host}?${redis.files.options}`, { now: Date.now })
    expect(await driver.unsafeSettings()).toEqual([])
    await driver.close()
  })

  test.each([
    ['a certificate that nobody vouches for', () => `rediss://${userInfo()}${redis.host}?${redis.files.optionsWithoutCa}`],
    ['a wrong password', () => `rediss://${userInfo('wrong')}${redis.host}?${redis.files.options}`],
    ['no TLS where there is TLS', () => `redis://${userInfo()}${redis.host}`]
  ])('%s opens nothing', async (_what, url) => {
    const driver = await openDriver(url(), { now: Date.now })
    await expect(driver.check()).rejects.toThrow(StoreUnavailable)
    await driver.close()
  })

  test('a certificate file that is not there is named at the start', async () => {
    const opened = openDriver('rediss://127.0.0.1:1?ca=missing.pem', { now: Date.now })
    await expect(opened).rejects.toThrow('"missing.pem" can\'t be read')
  })
})

test('a Cluster is spoken to over TLS at each of its servers', async () => {
  const cluster = await startRedisCluster({ tls: true })
  expect(cluster.url).toMatch(/^rediss\+cluster:/)
  const store = await openOn(cluster.url)
  const kind = newKind<number>()
  const ids = Array.from({ length: 20 }, newId)
  await Promise.all(ids.map((id, i) => store.put(kind, id, i)))
  expect(await Promise.all(ids.map((id) => store.get(kind, id)))).toEqual(ids.map((_, i) => i))
  await store.check()
  await store.close()
  await cluster.stop()
})

test('Sentinels and the primary that they name are spoken to over TLS, also after a failover', async () => {
  const trio = await startRedisSentinels({ tls: true })
  onTestFinished(() => trio.stop())
  expect(trio.url).toMatch(/^rediss\+sentinel:/)
  const store = await openOn(trio.url)
  onTestFinished(() => store.close())
  const [kind, id] = [newKind<string>(), newId()]
  const settled = (work: Promise<unknown>): Promise<unknown> => work.then((found) => found ?? 'done').catch((problem) => problem)
  const patience = { timeout: 60_000, interval: 50 }
  await expect.poll(() => settled(store.put(kind, id, 'before')), patience).toBe('done')
  await trio.replicated()
  const lost = await trio.currentPrimary()
  await lost.kill()
  await expect.poll(() => trio.currentPrimary(), patience).not.toBe(lost)
  await expect.poll(() => settled(store.put(kind, newId(), 'after')), patience).toBe('done')
  await expect.poll(() => settled(store.get(kind, id)), patience).toBe('before')
}, 240_000)
