/** D9: with `?replicas=1` a write counts once a replica has it; where none does in time it is StoreUnavailable, and reads go on. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Fence } from '../../src/store/fence.ts'
import { type Store, StoreUnavailable } from '../../src/store/store.ts'
import { type RedisCluster, startRedisCluster } from '../harness/redis-cluster.ts'
import { type RedisServer, startRedis } from '../harness/redis-server.ts'
import { newId, newKind, openOn } from './engine.ts'

const PATIENCE = { timeout: 30_000, interval: 20 }
const settled = (work: Promise<unknown>): Promise<unknown> => work.then((found) => found ?? 'done').catch((problem) => problem)

/** Until it is confirmed: where the machine stands still for as long as a replica is waited for, nobody knows of the write. */
const confirmed = (put: () => Promise<void>): Promise<unknown> =>
  vi.waitUntil(async () => (await settled(put())) === 'done', { ...PATIENCE, timeout: 10_000 })

/** How many records lie at a server. */
async function recordsAt({ url }: RedisServer, kind: string): Promise<number> {
  const client = new Redis(url)
  const keys = await client.keys(`kw:1:*:${kind}:*`)
  client.disconnect()
  return keys.length
}

describe('one primary and a replica', () => {
  let primary: RedisServer
  let replica: RedisServer
  let store: Store
  beforeAll(async () => {
    primary = await startRedis()
    replica = await startRedis({ arguments: ['--replicaof', '127.0.0.1', String(primary.port)] })
    store = await openOn(`${primary.url}?replicas=1`)
    await vi.waitUntil(async () => (await settled(store.put(newKind<string>(), newId(), 'first'))) === 'done', PATIENCE)
  })
  afterAll(async () => {
    await store?.close()
    await Promise.all([replica?.stop(), primary?.stop()])
  })

  test('what a put or a create has written lies at the replica when it resolves', async () => {
    const kind = newKind<string>()
    for (let count = 1; count <= 20; count += 2) {
      const id = newId()
      await confirmed(() => store.put(kind, id, 'put'))
      expect(await recordsAt(replica, kind.name)).toBe(count)
      const other = newId()
      // Once more where nobody knows of it: it may be there already.
      await confirmed(async () => void (await store.create(kind, other, 'created')))
      expect(await recordsAt(replica, kind.name)).toBe(count + 1)
    }
  })

  test('many at once are all confirmed', async () => {
    const kind = newKind<string>()
    const ids = Array.from({ length: 200 }, newId)
    await Promise.all(ids.map((id) => confirmed(() => store.put(kind, id, 'put'))))
    expect(await recordsAt(replica, kind.name)).toBe(200)
  })

  test('while the replica hangs writes are StoreUnavailable within a second, reads go on, and afterwards all works', async () => {
    const [kind, before, during] = [newKind<string>(), newId(), newId()]
    await confirmed(() => store.put(kind, before, 'before'))
    replica.pause()
    const started = performance.now()
    expect(await settled(store.create(kind, during, 'during'))).toBeInstanceOf(StoreUnavailable)
    expect(performance.now() - started).toBeLessThan(1000)
    expect(await store.get(kind, before)).toBe('before')
    // It is unknown whether a write whose fate is unknown has happened; this one has.
    expect(await store.get(kind, during)).toBe('during')
    expect(await settled(store.put(kind, newId(), 'too'))).toBeInstanceOf(StoreUnavailable)
    replica.resume()
    await expect.poll(() => settled(store.put(kind, newId(), 'after')), PATIENCE).toBe('done')
  })
})

describe('a Cluster with a replica of each primary', () => {
  let cluster: RedisCluster
  let store: Store
  let fence: Fence
  beforeAll(async () => {
    cluster = await startRedisCluster({ replicas: true })
    store = await openOn(`${cluster.url}?replicas=1`, Date.now, (driver) => {
      fence = driver.fence
      return driver
    })
  }, 120_000)
  afterAll(async () => {
    await store?.close()
    await cluster?.stop()
  })

  const atReplicas = async (kind: string): Promise<number> =>
    (await Promise.all(cluster.replicas.map((replica) => recordsAt(replica, kind)))).reduce((sum, one) => sum + one, 0)

  test('what was written lies at the replica of its slot when it resolves', async () => {
    const kind = newKind<string>()
    for (let count = 1; count <= 30; count += 1) {
      const id = newId()
      await confirmed(() => store.put(kind, id, 'put'))
      expect(await atReplicas(kind.name)).toBe(count)
    }
  })

  test('one replica that hangs stops the writes to its primary, and no others', async () => {
    const kind = newKind<string>()
    cluster.replicas[0]?.pause()
    const outcomes: unknown[] = []
    for (let at = 0; at < 30; at += 1) outcomes.push(await settled(store.put(kind, newId(), 'put')))
    cluster.replicas[0]?.resume()
    const failed = outcomes.filter((outcome) => outcome instanceof StoreUnavailable).length
    expect(failed).toBeGreaterThan(0)
    expect(outcomes.filter((outcome) => outcome === 'done').length).toBe(30 - failed)
    expect(failed).toBeLessThan(30)
  })

  test('a primary that dies is followed by its replica: nothing that was acknowledged is lost, and the fence is raised', async () => {
    const kind = newKind<string>()
    await expect
      .poll(async () => {
        const outcomes = await Promise.all(Array.from({ length: 20 }, () => settled(store.put(kind, newId(), 'put'))))
        return outcomes.every((outcome) => outcome === 'done')
      }, PATIENCE)
      .toBe(true)
    const ids = Array.from({ length: 60 }, () => newId())
    for (const id of ids) await confirmed(() => store.put(kind, id, id))
    const lost = Date.now()
    await cluster.nodes[0]?.kill()
    await expect
      .poll(
        async () =>
          (await Promise.all(ids.map((id) => settled(store.get(kind, id))))).filter((found, at) => found === ids[at]).length,
        {
          timeout: 60_000,
          interval: 100
        }
      )
      .toBe(ids.length)
    expect(fence.notBefore()).toBeGreaterThan(lost)
    // The new primary has no replica left, so nothing is confirmed there until the lost one is back, as a replica.
    await cluster.nodes[0]?.restart()
    await expect
      .poll(
        async () => {
          const outcomes = await Promise.all(Array.from({ length: 20 }, () => settled(store.put(kind, newId(), 'put'))))
          return outcomes.every((outcome) => outcome === 'done')
        },
        { timeout: 60_000, interval: 100 }
      )
      .toBe(true)
  }, 200_000)
})
