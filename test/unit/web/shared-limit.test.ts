import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSealer } from '../../../src/keys/sealing.ts'
import { openDriver } from '../../../src/store/open-store.ts'
import { createStore } from '../../../src/store/sealed-store.ts'
import { type Store, StoreUnavailable } from '../../../src/store/store.ts'
import { createAttempts } from '../../../src/web/attempts.ts'
import { createSharedLimit, type SharedLimit } from '../../../src/web/shared-limit.ts'

const WINDOW = 60_000
let time: number
let store: Store
let asked: number
let away: boolean
beforeEach(async () => {
  time = 1_000_000
  asked = 0
  away = false
  const now = () => time
  const sealer = createSealer([{ id: 1, key: randomBytes(32) }])
  store = createStore({ driver: await openDriver('sqlite::memory:', { now }), sealer, lookupKey: randomBytes(32), now })
})
afterEach(() => store.close())

/** What one process has of the limit. */
function replica(limit = 100): SharedLimit {
  const watched: Store = {
    ...store,
    async increment(kind, id, lifetime, most) {
      asked += 1
      if (away) throw new StoreUnavailable('away')
      return store.increment(kind, id, lifetime, most)
    }
  }
  return createSharedLimit({
    attempts: createAttempts({ store: watched, window: WINDOW }),
    counter: 'a',
    limit,
    window: WINDOW,
    now: () => time
  })
}
const taken = async (times: number, take: () => ReturnType<SharedLimit['take']>): Promise<number> => {
  let ok = 0
  for (let n = 0; n < times; n += 1) if ((await take()).ok) ok += 1
  return ok
}

test('case 134: one process lets as many through as the limit says, and asks the store neither before a twentieth nor after the limit', async () => {
  const one = replica()
  expect(await taken(5, () => one.take('x'))).toBe(5)
  expect(asked).toBe(0)
  expect(await taken(200, () => one.take('x'))).toBe(95)
  expect(asked).toBe(96)
  expect(await one.take('x')).toEqual({ ok: false, retryAfter: 10 })
  expect((await one.take('y')).ok).toBe(true)
  time += WINDOW + 1
  expect(await taken(200, () => one.take('x'))).toBe(100)
})

test('case 134: two processes count together, but for a twentieth each', async () => {
  const [one, other] = [replica(), replica()]
  const both = (await taken(80, () => one.take('x'))) + (await taken(80, () => other.take('x')))
  expect(both).toBe(105)
})

test('case 134: while the store is away there is no more than the own share', async () => {
  const one = replica()
  away = true
  expect(await taken(50, () => one.take('x'))).toBe(5)
  away = false
  time += 10_001
  expect((await one.take('x')).ok).toBe(true)
})

test('case 138: what was forgiven may be taken again, here and through the store', async () => {
  const one = replica(20)
  for (let n = 0; n < 10; n += 1) {
    expect((await one.take('x')).ok).toBe(true)
    await one.forgive('x')
  }
  expect(await taken(50, () => one.take('x'))).toBeGreaterThanOrEqual(20)
  time += 10_001
  expect((await one.take('x')).ok).toBe(false)
  for (let n = 0; n < 3; n += 1) await one.forgive('x')
  time += 10_001
  expect(await taken(10, () => one.take('x'))).toBe(3)
})

test('case 138: what was given back buys nothing: it may be taken once again, by whichever process', async () => {
  const [one, other] = [replica(40), replica(40)]
  expect(await taken(100, () => one.take('x'))).toBe(40)
  for (let n = 0; n < 10; n += 1) await other.giveBack('x')
  time += 10_001
  expect(await taken(100, () => one.take('x'))).toBe(10)
  for (let n = 0; n < 100; n += 1) if ((await other.take('y')).ok) await other.giveBack('y')
  expect(await taken(100, () => other.take('y'))).toBeLessThanOrEqual(42)
})

test('it remembers no more addresses than it may', async () => {
  const one = replica(20)
  expect(await taken(1, () => one.take('first'))).toBe(1)
  for (let n = 0; n < 50_000; n += 1) await one.take(`x${n}`)
  // Forgotten here, it begins anew here, without the store.
  expect((await one.take('first')).ok).toBe(true)
  expect(asked).toBe(0)
})
