import { afterAll, beforeAll, expect, test } from 'vitest'
import { StoreUnavailable } from '../../src/store/store.ts'
import { type RedisSentinels, startRedisSentinels } from '../harness/redis-sentinel.ts'
import { newId, newKind, openOn } from './engine.ts'

let trio: RedisSentinels
beforeAll(async () => {
  trio = await startRedisSentinels()
})
afterAll(() => trio?.stop())

const settled = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (problem) => problem
  )

test.each([
  ['dies', 'the next primary'],
  ['hangs', 'the one after it']
])(
  'a primary that %s is followed by %s without a restart, and until then writes are StoreUnavailable',
  async (how) => {
    const store = await openOn(trio.url)
    const [kind, id] = [newKind<string>(), newId()]
    // Opening waits for a while only: a trio that has just begun may take longer to agree.
    await expect.poll(() => settled(store.check()), { timeout: 20_000 }).toBe('done')
    await store.put(kind, id, 'before')
    await trio.replicated()
    const lost = await trio.currentPrimary()
    if (how === 'dies') await lost.kill()
    else lost.pause()

    const outcomes: unknown[] = []
    const put = async (): Promise<unknown> => {
      const started = performance.now()
      const outcome = await settled(store.put(kind, newId(), 'after'))
      if (outcome !== 'done') outcomes.push(outcome)
      expect(performance.now() - started).toBeLessThan(1500)
      return outcome
    }
    await expect.poll(put, { timeout: 45_000, interval: 50 }).toBe('done')
    expect(outcomes.length).toBeGreaterThan(0)
    for (const outcome of outcomes) expect(outcome).toBeInstanceOf(StoreUnavailable)
    // Only one of the Sentinels decides; the others learn of it.
    await expect.poll(() => trio.currentPrimary(), { timeout: 10_000 }).not.toBe(lost)
    expect(await store.get(kind, id)).toBe('before')

    // The lost one comes back, as a replica: nothing that was written meanwhile is undone by it.
    if (how === 'dies') await lost.restart()
    else lost.resume()
    await trio.replicated()
    expect(await settled(put())).toBe('done')
    expect(await store.get(kind, id)).toBe('before')
    await store.close()
  },
  120_000
)

test('opens while no Sentinel answers, and goes on when they do', async () => {
  await Promise.all(trio.sentinels.map((sentinel) => sentinel.kill()))
  const store = await openOn(trio.url)
  await expect(store.check()).rejects.toThrow(StoreUnavailable)
  await Promise.all(trio.sentinels.map((sentinel) => sentinel.restart()))
  await expect.poll(() => settled(store.check()), { timeout: 10_000 }).toBe('done')
  await store.close()
})
