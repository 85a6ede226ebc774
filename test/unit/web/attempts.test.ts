import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSealer } from '../../../src/keys/sealing.ts'
import { openDriver } from '../../../src/store/open-store.ts'
import { createStore } from '../../../src/store/sealed-store.ts'
import type { Store } from '../../../src/store/store.ts'
import type { Attempts } from '../../../src/web/attempts.ts'
import { createAttempts } from '../../../src/web/attempts.ts'

let time: number
let store: Store
let attempts: Attempts
beforeEach(async () => {
  time = 1_000_000
  const now = () => time
  const sealer = createSealer([{ id: 1, key: randomBytes(32) }])
  store = createStore({ driver: await openDriver('sqlite::memory:', { now }), sealer, lookupKey: randomBytes(32), now })
  attempts = createAttempts({ store, window: 60_000 })
})
afterEach(() => store.close())

test('takes as many as the limit and refuses those beyond it, until the window is over', async () => {
  for (let n = 0; n < 3; n += 1) expect(await attempts.take('password', 'maria', 3)).toEqual({ ok: true })
  expect(await attempts.take('password', 'maria', 3)).toEqual({ ok: false, retryAfter: 60 })
  time += 60_001
  expect(await attempts.take('password', 'maria', 3)).toEqual({ ok: true })
})

test('counts before the work: of a hundred at once only the limit goes through', async () => {
  const outcomes = await Promise.all(Array.from({ length: 100 }, () => attempts.take('password', 'maria', 5)))
  expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(5)
})

test('what is given back may be taken again, and no more', async () => {
  for (let n = 0; n < 2; n += 1) expect((await attempts.take('password', 'maria', 2)).ok).toBe(true)
  await attempts.giveBack('password', 'maria')
  expect((await attempts.take('password', 'maria', 2)).ok).toBe(true)
  expect((await attempts.take('password', 'maria', 2)).ok).toBe(false)
})

test('counters and keys are apart, whatever stands in them; a reset starts anew', async () => {
  expect(await attempts.take('a', 'b c', 1)).toEqual({ ok: true })
  expect(await attempts.take('a b', 'c', 1)).toEqual({ ok: true })
  expect(await attempts.take('a","b', 'c', 1)).toEqual({ ok: true })
  expect((await attempts.take('a', 'b c', 1)).ok).toBe(false)
  await attempts.reset('a', 'b c')
  expect(await attempts.take('a', 'b c', 1)).toEqual({ ok: true })
})

test('what is forgiven counts for nothing, up to nine times the limit', async () => {
  for (let n = 0; n < 50; n += 1) {
    expect(await attempts.take('address', 'ward 7', 2)).toEqual({ ok: true })
    // Eighteen are forgiven; the two beyond them are the limit itself.
    if (n === 19) break
    await attempts.forgive('address', 'ward 7')
  }
  await attempts.forgive('address', 'ward 7')
  expect(await attempts.take('address', 'ward 7', 2)).toEqual({ ok: false, retryAfter: 60 })
  time += 60_001
  expect(await attempts.take('address', 'ward 7', 2)).toEqual({ ok: true })
})
