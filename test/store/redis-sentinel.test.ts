import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { StoreUnavailable } from '../../src/store/store.ts'
import { type RedisSentinels, startRedisSentinels } from '../harness/redis-sentinel.ts'
import { newId, newKind, openOn } from './engine.ts'

// Each test has a trio of its own: one that has just lost its primary takes its time to heal.
let trio: RedisSentinels
beforeEach(async () => {
  trio = await startRedisSentinels()
}, 120_000)
afterEach(() => trio?.stop())

/** What it resolves to, 'done' where that is nothing, or what it rejects with. */
const settled = (work: Promise<unknown>): Promise<unknown> => work.then((found) => found ?? 'done').catch((problem) => problem)

/** Generous: what is awaited comes within seconds on an idle machine. */
const PATIENCE = { timeout: 60_000, interval: 50 }

test.each(['dies', 'hangs'])(
  'a primary that %s is followed by its replica without a restart, and until then writes are StoreUnavailable',
  async (how) => {
    const store = await openOn(trio.url)
    onTestFinished(() => store.close())
    const [kind, id] = [newKind<string>(), newId()]
    // Opening waits for a while only: a trio that has just begun may take longer to agree.
    await expect.poll(() => settled(store.check()), PATIENCE).toBe('done')
    await expect.poll(() => settled(store.put(kind, id, 'before')), PATIENCE).toBe('done')
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
    await expect.poll(put, PATIENCE).toBe('done')
    expect(outcomes.length).toBeGreaterThan(0)
    for (const outcome of outcomes) expect(outcome).toBeInstanceOf(StoreUnavailable)
    // Only one of the Sentinels decides; the others learn of it. That is no reason to connect anew.
    await expect.poll(() => trio.currentPrimary(), PATIENCE).not.toBe(lost)
    const connected = await trio.connections()
    expect(connected).toHaveLength(1)
    await expect.poll(() => trio.agree(), PATIENCE).toBe(true)
    await expect.poll(() => settled(store.get(kind, id)), PATIENCE).toBe('before')
    expect(await trio.connections()).toEqual(connected)

    // The lost one comes back, as a replica: nothing that was written meanwhile is undone by it.
    if (how === 'dies') await lost.restart()
    else lost.resume()
    await trio.replicated()
    await expect.poll(put, PATIENCE).toBe('done')
    await expect.poll(() => settled(store.get(kind, id)), PATIENCE).toBe('before')
  },
  300_000
)

test('opens while no Sentinel answers, and goes on when they do', async () => {
  await Promise.all(trio.sentinels.map((sentinel) => sentinel.kill()))
  const store = await openOn(trio.url)
  onTestFinished(() => store.close())
  await expect(store.check()).rejects.toThrow(StoreUnavailable)
  await Promise.all(trio.sentinels.map((sentinel) => sentinel.restart()))
  await expect.poll(() => settled(store.check()), PATIENCE).toBe('done')
}, 300_000)
