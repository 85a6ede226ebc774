import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusterSlotOf } from '../../src/store/cluster-slot.ts'
import { openDriver } from '../../src/store/open-store.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import { type RedisCluster, startRedisCluster } from '../harness/redis-cluster.ts'
import { storeContract } from './contract.ts'
import { newId, newKind, openOn } from './engine.ts'
import { redisEngine } from './redis-engine.ts'

storeContract('redis cluster', async () => redisEngine(await startRedisCluster()))

describe('redis cluster driver', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster()
  })
  afterAll(() => cluster?.stop())

  const settled = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'done',
      (problem) => problem
    )

  test('a walk comes past the records of all primaries', async () => {
    const store = await openOn(cluster.url)
    const kind = newKind<number>()
    await Promise.all(Array.from({ length: 60 }, (_, i) => store.put(kind, newId(), i)))
    const seen: number[] = []
    let [pages, after]: [number, string | undefined] = [0, undefined]
    do {
      const page: Awaited<ReturnType<typeof store.walk<number>>> = await store.walk(kind, {
        limit: 20,
        ...(after !== undefined && { after })
      })
      seen.push(...page.records)
      after = page.next
      pages += 1
    } while (after !== undefined)
    expect(pages).toBeGreaterThanOrEqual(3)
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i))
    await store.close()
  })

  test.each([0, 1, 2])(
    'while primary %i hangs, what it holds is StoreUnavailable within a second, and so is the check',
    async (at) => {
      const store = await openOn(cluster.url)
      const kind = newKind<number>()
      const ids = Array.from({ length: 30 }, newId)
      await Promise.all(ids.map((id) => store.put(kind, id, 1)))
      cluster.nodes[at]?.pause()
      try {
        const before = performance.now()
        await expect(store.check()).rejects.toThrow(StoreUnavailable)
        const outcomes = await Promise.all(ids.map((id) => settled(store.get(kind, id))))
        expect(performance.now() - before).toBeLessThan(2000)
        const refused = outcomes.filter((outcome) => outcome !== 'done')
        expect(refused.length).toBeGreaterThan(0)
        for (const problem of refused) expect(problem).toBeInstanceOf(StoreUnavailable)
        // A walk that left out a primary's records would pass for a whole one.
        await expect(walkAll(store, kind)).rejects.toThrow(StoreUnavailable)
      } finally {
        cluster.nodes[at]?.resume()
      }
      await expect.poll(() => settled(store.check()), { timeout: 15_000 }).toBe('done')
      expect(await Promise.all(ids.map((id) => store.get(kind, id)))).toEqual(ids.map(() => 1))
      await store.close()
    }
  )

  test('a command whose connection is cut is not sent again', async () => {
    const store = await openOn(cluster.url)
    const kind = newKind<number>()
    await store.check()
    const clients = cluster.nodes.map(({ url }) => new Redis(url))
    for (const client of clients) await client.call('CLIENT', 'PAUSE', '5000', 'WRITE')
    const ids = Array.from({ length: 10 }, newId)
    const counting = ids.map((id) => settled(store.increment(kind, id, 60_000)))
    const blocked = async (): Promise<number> => {
      const infos = await Promise.all(clients.map((client) => client.info('clients')))
      return infos.reduce((sum, info) => sum + Number(/^blocked_clients:(\d+)/m.exec(info)?.[1]), 0)
    }
    await expect.poll(blocked, { interval: 5 }).toBeGreaterThan(0)
    for (const client of clients) await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    for (const client of clients) await client.call('CLIENT', 'UNPAUSE')
    for (const outcome of await Promise.all(counting)) expect(outcome).toBeInstanceOf(StoreUnavailable)
    await expect.poll(() => settled(store.check()), { timeout: 15_000 }).toBe('done')
    expect(await Promise.all(ids.map((id) => store.count(kind, id)))).toEqual(ids.map(() => 0))
    for (const client of clients) client.disconnect()
    await store.close()
  })

  test('where a primary dies commands on their way fail without a repetition, and others work again once it is back', async () => {
    const store = await openOn(cluster.url)
    const kind = newKind<number>()
    const ids = Array.from({ length: 30 }, newId)
    await store.check()
    cluster.nodes[1]?.pause()
    const counting = ids.map((id) => settled(store.increment(kind, id, 60_000)))
    await new Promise(setImmediate)
    await cluster.nodes[1]?.kill()
    await cluster.nodes[1]?.restart()
    const outcomes = await Promise.all(counting)
    expect(outcomes.filter((outcome) => outcome instanceof StoreUnavailable).length).toBeGreaterThan(0)
    await expect.poll(() => settled(store.check()), { timeout: 15_000 }).toBe('done')
    const counts = await Promise.all(ids.map((id) => store.count(kind, id)))
    expect(counts).toEqual(outcomes.map((outcome) => (outcome === 'done' ? 1 : 0)))
    const client = new Redis(cluster.nodes[1]?.url ?? '')
    expect(await client.keys(`*${kind.name}*`)).toEqual([])
    client.disconnect()
    await store.close()
  })

  test('follows a slot that moves to another primary', async () => {
    const store = await openOn(cluster.url)
    const [kind, id] = [newKind<string>(), newId()]
    await store.put(kind, id, 'before')
    const clients = cluster.nodes.map(({ url }) => new Redis(url))
    const found = await Promise.all(clients.map((client) => client.keys(`kw:1:*:${kind.name}:*`)))
    const from = found.findIndex((keys) => keys.length > 0)
    const to = (from + 1) % clients.length
    const key = found[from]?.[0] ?? ''
    const slot = clusterSlotOf(key)
    expect(slot).toBe(await clients[from]?.cluster('KEYSLOT', key))
    const [source, target] = [clients[from], clients[to]]
    const [sourceId, targetId] = [await source?.cluster('MYID'), await target?.cluster('MYID')].map(String)
    await target?.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId ?? '')
    await source?.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId ?? '')
    await source?.call('MIGRATE', '127.0.0.1', cluster.nodes[to]?.port ?? 0, key, 0, 5000)
    // Between the two: the source asks to ASK the target.
    expect(await store.get(kind, id)).toBe('before')
    expect(await store.update(kind, id, () => 'while it moves')).toBe('while it moves')
    for (const client of [target, source]) await client?.call('CLUSTER', 'SETSLOT', slot, 'NODE', targetId ?? '')
    expect(await store.update(kind, id, () => 'after')).toBe('after')
    expect(await store.get(kind, id)).toBe('after')
    for (const client of clients) client.disconnect()
    await store.close()
  })

  test('opens where the whole Cluster is away, and goes on when it is there', async () => {
    await Promise.all(cluster.nodes.map((node) => node.kill()))
    const driver = await openDriver(cluster.url, { now: Date.now })
    await expect(driver.check()).rejects.toThrow(StoreUnavailable)
    await Promise.all(cluster.nodes.map((node) => node.restart()))
    await expect.poll(() => settled(driver.check()), { timeout: 15_000 }).toBe('done')
    await driver.close()
  })
})

async function walkAll(store: Awaited<ReturnType<typeof openOn>>, kind: ReturnType<typeof newKind<number>>): Promise<void> {
  let after: string | undefined
  do {
    const page: { next?: string } = await store.walk(kind, { limit: 100, ...(after !== undefined && { after }) })
    after = page.next
  } while (after !== undefined)
}
