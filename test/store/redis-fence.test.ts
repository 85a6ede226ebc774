/** D9, F6, F10, F11: a Redis that may have forgotten what it acknowledged raises a fence before it serves again. */
import { randomUUID } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { StoreDriver } from '../../src/store/driver.ts'
import type { FenceNews } from '../../src/store/fence.ts'
import { openDriver } from '../../src/store/open-store.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import { startRedisCluster } from '../harness/redis-cluster.ts'
import { type RedisServer, startRedis } from '../harness/redis-server.ts'

const PATIENCE = { timeout: 15_000, interval: 20 }

let redis: RedisServer
beforeEach(async () => {
  redis = await startRedis()
})
afterEach(() => redis?.stop())

interface Opened {
  driver: StoreDriver
  news: FenceNews[]
}

async function open(url: string): Promise<Opened> {
  const driver = await openDriver(url, { now: Date.now })
  onTestFinished(() => driver.close())
  const news: FenceNews[] = []
  driver.fence.onRaised((one) => news.push(one))
  return { driver, news }
}

const marker = (id: string) => ({ kind: 'marker', tag: id.slice(0, 8), id })
/** True: it was not there yet. */
const create = ({ driver }: Opened, id: string): Promise<boolean> =>
  driver.commit([{ place: marker(id), condition: 'absent', payload: Buffer.from('spent'), expiresAt: undefined, indexes: [] }])
const settled = (work: Promise<unknown>): Promise<unknown> => work.then((found) => found ?? 'done').catch((problem) => problem)
const reasons = ({ news }: Opened): string[] => news.map(({ why }) => why)

async function command(server: RedisServer, ...[name = '', ...words]: string[]): Promise<void> {
  const client = new Redis(server.url)
  await client.call(name, ...words)
  client.disconnect()
}

test('a new store raises none that a code of this minute would meet, and a second process finds it as it is', async () => {
  const first = await open(redis.url)
  expect(first.driver.fence.notBefore()).toBeGreaterThan(Date.now() - 70_000)
  expect(first.driver.fence.notBefore()).toBeLessThan(Date.now() - 29_000)
  const second = await open(redis.url)
  expect(second.driver.fence.notBefore()).toBe(first.driver.fence.notBefore())
  expect([reasons(first), reasons(second)]).toEqual([['new'], []])
})

describe.each([
  ['restarted', undefined, 'other-server'],
  ['started on another, empty volume', 'empty', 'empty']
] as const)('F10, F11: a Redis that is %s', (_, how, why) => {
  test('has raised the fence when the first write of each process goes to it, and issues nothing that looks older', async () => {
    const [one, other] = [await open(redis.url), await open(redis.url)]
    await create(one, randomUUID())
    await redis.kill()
    const lost = Date.now()
    await redis.restart(how)

    /** What was spent before may be spent again as far as the store knows: so the fence has to stand already. */
    async function spend(opened: Opened): Promise<{ fence: number; at: number }> {
      const id = randomUUID()
      await expect.poll(() => settled(create(opened, id)), PATIENCE).toBe(true)
      return { fence: opened.driver.fence.notBefore(), at: Date.now() }
    }
    for (const { fence, at } of await Promise.all([one, other, one, other].map(spend))) {
      expect(fence).toBeGreaterThan(lost)
      expect(Math.floor(at / 1000) * 1000).toBeGreaterThanOrEqual(fence)
    }
    // Each may have written to the server that was; whoever comes second may find that the first has seen to it.
    await expect.poll(() => one.driver.fence.notBefore() === other.driver.fence.notBefore(), PATIENCE).toBe(true)
    expect([...reasons(one), ...reasons(other)]).toContain(why)

    const later = await open(redis.url)
    expect(later.driver.fence.notBefore()).toBe(one.driver.fence.notBefore())
    expect(reasons(later)).toEqual([])
  })

  test('raises it also for a process that was not there when it happened', async () => {
    await (await open(redis.url)).driver.close()
    await redis.kill()
    const lost = Date.now()
    await redis.restart(how)
    const { driver, news } = await open(redis.url)
    expect(news.map((one) => one.why)).toEqual([how === 'empty' ? 'new' : why])
    if (how !== 'empty') expect(driver.fence.notBefore()).toBeGreaterThan(lost)
  })
})

test('F11: FLUSHALL is found within 5 s, though no connection ends, and every process raises the fence', async () => {
  const [one, other] = [await open(redis.url), await open(redis.url)]
  await create(one, randomUUID())
  // The one that looks for the first time takes an empty store for a new one.
  await expect.poll(() => one.driver.fence.notBefore() > 0, PATIENCE).toBe(true)
  const lost = Date.now()
  await command(redis, 'FLUSHALL')
  const raised = ({ driver }: Opened): boolean => driver.fence.notBefore() > lost
  await expect.poll(() => raised(one) && raised(other), { timeout: 5000, interval: 10 }).toBe(true)
  expect([...reasons(one), ...reasons(other)]).toContain('empty')
})

test('F7: a process that wrote to the old server after the new one was marked raises the fence anew', async () => {
  // Where the name leads is changed under the process, as by a failover.
  let target = redis.port
  const way = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    for (const socket of [near, far]) socket.on('error', () => [near, far].map((each) => each.destroy()))
    far.on('close', () => near.destroy())
    near.pipe(far).pipe(near)
  })
  await new Promise<void>((listening) => way.listen(0, '127.0.0.1', listening))
  onTestFinished(() => void way.close())
  const address = way.address()
  const left = await open(`redis://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`)
  await create(left, randomUUID())

  const promoted = await startRedis({ arguments: ['--replicaof', '127.0.0.1', String(redis.port)] })
  onTestFinished(() => promoted.stop())
  const info = async (): Promise<string> => {
    const client = new Redis(promoted.url)
    const text = await client.info('replication')
    client.disconnect()
    return text
  }
  await expect.poll(info, PATIENCE).toContain('master_link_status:up')
  await command(promoted, 'REPLICAOF', 'NO', 'ONE')
  const moved = await open(promoted.url)
  expect(reasons(moved)).toEqual(['other-server'])
  const marked = moved.driver.fence.notBefore()

  // Spent at the old one, in the time that the fence of the new one takes for its own.
  await expect.poll(() => Date.now() > marked, PATIENCE).toBe(true)
  const id = randomUUID()
  const spentAt = Date.now()
  expect(await create(left, id)).toBe(true)
  target = promoted.port
  await redis.kill()
  await expect.poll(() => settled(create(left, id)), PATIENCE).toBe(true)
  expect(left.driver.fence.notBefore()).toBeGreaterThan(spentAt)
  await expect.poll(() => moved.driver.fence.notBefore(), PATIENCE).toBe(left.driver.fence.notBefore())
})

test('while the fence can not be looked at, nothing is redeemed', async () => {
  const opened = await open(redis.url)
  await create(opened, randomUUID())
  await redis.kill()
  await redis.restart()
  // As a primary that has lost its replicas: it answers, and does not let the mark be set.
  await command(redis, 'CONFIG', 'SET', 'min-replicas-to-write', '1')
  await command(redis, 'CLIENT', 'KILL', 'TYPE', 'normal')
  const id = randomUUID()
  await expect
    .poll(() => opened.driver.check().catch((problem: Error) => String(problem.cause)), PATIENCE)
    .toContain('NOREPLICAS')
  expect(await settled(opened.driver.get(marker(id)))).toBeInstanceOf(StoreUnavailable)
  await command(redis, 'CONFIG', 'SET', 'min-replicas-to-write', '0')
  await expect.poll(() => settled(create(opened, id)), PATIENCE).toBe(true)
})

describe('on a Cluster', () => {
  test.each(['restart', 'FLUSHALL'])('one primary of three is enough: %s', async (how) => {
    const cluster = await startRedisCluster()
    onTestFinished(() => cluster.stop())
    const [one, other] = [await open(cluster.url), await open(cluster.url)]
    expect([reasons(one), reasons(other)]).toEqual([['new', 'new', 'new'], []])
    const [, second] = cluster.nodes
    if (!second) throw new Error('a Cluster of three has a second')
    const lost = Date.now()
    if (how === 'restart') {
      await second.kill()
      await second.restart()
    } else await command(second, 'FLUSHALL')
    const raised = ({ driver }: Opened): boolean => driver.fence.notBefore() > lost
    await expect.poll(() => raised(one) && raised(other), PATIENCE).toBe(true)
    expect([...one.news, ...other.news].filter(({ why }) => why !== 'new' && why !== 'elsewhere')).toContainEqual(
      expect.objectContaining({ why: how === 'restart' ? 'other-server' : 'empty', server: `127.0.0.1:${second.port}` })
    )
    await expect.poll(() => settled(one.driver.check()), PATIENCE).toBe('done')
  })
})
