/** Case 148: records are sealed anew beside servers that read and write them, on both stores, and nothing is lost. */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type Resealing, reseal } from '../../src/keys/reseal.ts'
import { createSealer, type SealingKey } from '../../src/keys/sealing.ts'
import type { StoreDriver } from '../../src/store/driver.ts'
import { openDriver } from '../../src/store/open-store.ts'
import { createStore } from '../../src/store/sealed-store.ts'
import { newTaggedId } from '../../src/store/slot.ts'
import type { Kind, Store } from '../../src/store/store.ts'
import { type RedisServer, startRedis } from '../harness/redis-server.ts'
import { type Clock, movableClock } from './engine.ts'

const HOUR = 3_600_000
const old: SealingKey = { id: 1, key: randomBytes(32) }
const young: SealingKey = { id: 2, key: randomBytes(32) }
const lookupKey = randomBytes(32)

describe.each(['sqlite', 'redis'])('on %s', (engine) => {
  let redis: RedisServer | undefined
  let url: string
  let clock: Clock
  beforeAll(async () => {
    redis = engine === 'redis' ? await startRedis() : undefined
  })
  afterAll(() => redis?.stop())

  let database = 0
  beforeEach(() => {
    clock = movableClock()
    database += 1
    if (redis) url = `${redis.url}/${database}`
    else {
      const folder = mkdtempSync(join(tmpdir(), 'keyward-reseal-'))
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
      url = `sqlite:${join(folder, 'keyward.db')}`
    }
  })

  async function open(...keys: SealingKey[]): Promise<Store & { raw: StoreDriver }> {
    const raw = await openDriver(url, { now: clock.now })
    onTestFinished(() => raw.close())
    return { ...createStore({ driver: raw, sealer: createSealer(keys), lookupKey, now: clock.now }), raw }
  }
  async function resealAll(wrap?: (driver: StoreDriver) => Partial<StoreDriver>): Promise<Resealing> {
    const { raw } = await open(young, old)
    const driver = { ...raw, ...wrap?.(raw) }
    return reseal({ driver, sealer: createSealer([young, old]), now: clock.now, onProgress: () => undefined })
  }

  test('every record of every kind opens with the new key alone; ids, expiry, indexes and counters are as they were', async () => {
    const before = await open(old)
    const kinds = ['one', 'two', 'three'].map(
      (name): Kind<{ n: number }> => ({ name, ...(name === 'two' && { guessable: true }) })
    )
    const expiresAt = clock.now() + HOUR
    for (const kind of kinds)
      for (let n = 0; n < 120; n += 1)
        await before.put(kind, `id-${n}`, { n }, n % 2 ? { expiresAt, indexes: { half: n < 60 ? 'low' : 'high' } } : {})
    await before.increment({ name: 'count' }, 'c', HOUR)

    expect(await resealAll()).toEqual({ resealed: 360, unreadable: [], left: 0 })
    const after = await open(young)
    for (const kind of kinds) {
      for (let n = 0; n < 120; n += 1) expect(await after.get(kind, `id-${n}`)).toEqual({ n })
      const page = await after.list(kind, { name: 'half', value: 'low' }, { limit: 100 })
      expect(page.records.map(({ n }) => n).sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => 2 * i + 1))
    }
    expect(await after.increment({ name: 'count' }, 'c', HOUR)).toBe(2)
    clock.move(HOUR)
    expect(await after.get({ name: 'one' }, 'id-1')).toBeUndefined()
    expect(await after.get({ name: 'one' }, 'id-2')).toEqual({ n: 2 })
    expect(await resealAll()).toEqual({ resealed: 0, unreadable: [], left: 0 })
  })

  test('what has ended does not fail to open afterwards: it is absent, and may be made again', async () => {
    const before = await open(old)
    await before.put({ name: 'one' }, 'ended', 1, { expiresAt: clock.now() + HOUR })
    clock.move(HOUR)
    expect(await resealAll()).toMatchObject({ unreadable: [], left: 0 })
    const after = await open(young)
    expect(await after.get({ name: 'one' }, 'ended')).toBeUndefined()
    expect(await after.create({ name: 'one' }, 'ended', 2)).toBe(true)
  })

  test("a server's write between reading and writing wins", async () => {
    const server = await open(old)
    const kind: Kind<string> = { name: 'one' }
    await server.put(kind, 'a', 'before')
    let raced = false
    const outcome = await resealAll((driver) => ({
      async commit(writes) {
        if (!raced) {
          raced = true
          await server.put(kind, 'a', 'written meanwhile')
        }
        return driver.commit(writes)
      }
    }))
    expect(outcome).toEqual({ resealed: 1, unreadable: [], left: 0 })
    expect(await (await open(young)).get(kind, 'a')).toBe('written meanwhile')
  })

  test('a record that a request has read, and that is sealed anew before it commits, is spent all the same: once', async () => {
    const server = await open(young, old)
    const [kind, id]: [Kind<{ spent: number }>, string] = [{ name: 'token' }, newTaggedId()]
    await (await open(old)).put(kind, id, { spent: 0 })
    const [one, other] = [await server.read(kind, id), await server.read(kind, id)]
    if (!one || !other) throw new Error('it was just written')
    expect(await resealAll()).toMatchObject({ resealed: 1 })
    const spend = (version: Uint8Array) => server.commit([{ kind, id, record: { spent: 1 }, ifVersion: version }])
    expect(await Promise.all([spend(one.version), spend(other.version)])).toContain(false)
    expect(await server.get(kind, id)).toEqual({ spent: 1 })
    expect(await spend(one.version)).toBe(false)
  })

  test('50 increments by servers at once, while all is sealed anew, lose nothing', async () => {
    const servers = [await open(young, old), await open(young, old)]
    const kind: Kind<{ n: number }> = { name: 'sum' }
    const before = await open(old)
    for (let n = 0; n < 40; n += 1) await before.put(kind, `r${n}`, { n: 0 })
    const work = Array.from({ length: 200 }, (_, i) => servers[i % 2]?.update(kind, `r${i % 40}`, ({ n }) => ({ n: n + 1 })))
    const [outcome] = await Promise.all([resealAll(), ...work])
    expect(outcome).toMatchObject({ unreadable: [], left: 0 })
    const after = await open(young)
    for (let n = 0; n < 40; n += 1) expect(await after.get(kind, `r${n}`)).toEqual({ n: 5 })
  })

  test('a server that goes on sealing with the old key is noticed: the old key is still needed', async () => {
    const server = await open(old)
    await server.put({ name: 'one' }, 'a', 0)
    const outcome = await resealAll((driver) => ({
      async everything(page) {
        await server.put({ name: 'one' }, 'a', randomUUID())
        return driver.everything(page)
      }
    }))
    expect(outcome.left).toBe(1)
  })

  test("case 116, F21: rows in each other's place and changed rows are named and left, the others are sealed anew", async () => {
    const before = await open(old)
    for (const id of ['a', 'b', 'c', 'd']) await before.put({ name: 'one' }, id, id)
    const { rows } = await before.raw.everything({ limit: 100 })
    const [one, two, three] = rows
    if (!one || !two || !three) throw new Error('three were written')
    const spoil = (row: typeof one, payload: Uint8Array) =>
      before.raw.commit([{ place: row.place, condition: 'none', payload, expiresAt: undefined, indexes: [] }])
    await spoil(one, two.payload)
    await spoil(two, one.payload)
    await spoil(
      three,
      Uint8Array.from(three.payload, (byte, at) => (at === 20 ? byte ^ 1 : byte))
    )
    const outcome = await resealAll()
    expect(outcome).toMatchObject({ resealed: 1, left: 0 })
    expect(outcome.unreadable.sort()).toEqual([one, two, three].map(({ place }) => `one/${place.id}`).sort())
  })
})
