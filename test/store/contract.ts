/** The promises of the storage port, one test each, held against a real engine through two connections. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newIdBeside, newTaggedId } from '../../src/store/slot.ts'
import { type Store, StoreUnavailable } from '../../src/store/store.ts'
import { listingPromises, sealingPromises } from './contract-listing.ts'
import { viewPromises } from './contract-views.ts'
import { type Clock, type Engine, lookupKey, movableClock, newId, newKind, openOn, sealingKey } from './engine.ts'
import { readThenWrite } from './read-then-write.ts'

const HOUR = 3_600_000

export function storeContract(name: string, startEngine: () => Promise<Engine>) {
  describe(`${name} store`, () => {
    let engine: Engine
    let clock: Clock
    let store: Store
    let replica: Store
    const subject = () => ({ engine, clock, store, replica })

    beforeAll(async () => {
      engine = await startEngine()
      clock = movableClock()
      store = await openOn(engine.url, clock.now)
      replica = await openOn(engine.url, clock.now)
    })

    afterAll(async () => {
      await store?.close()
      await replica?.close()
      await engine?.stop()
    })

    const times = <T>(count: number, work: (store: Store, i: number) => Promise<T>) =>
      Promise.all(Array.from({ length: count }, (_, i) => work(i % 2 === 0 ? store : replica, i)))

    describe('records', () => {
      test('a record is what was put last, on every connection, and absent after its deletion', async () => {
        const [kind, id] = [newKind<{ text: string }>(), newId()]
        expect(await store.get(kind, id)).toBeUndefined()
        await store.put(kind, id, { text: 'first' })
        await store.put(kind, id, { text: 'über 🩺' })
        expect(await replica.get(kind, id)).toEqual({ text: 'über 🩺' })
        await replica.delete(kind, id)
        expect(await store.get(kind, id)).toBeUndefined()
      })

      test('one id under two kinds is two records, guessable or not', async () => {
        const [one, other, guessable] = [newKind<number>(), newKind<number>(), newKind<number>({ guessable: true })]
        await Promise.all([store.put(one, 'same', 1), store.put(other, 'same', 2), store.put(guessable, 'same', 3)])
        expect(await Promise.all([one, other, guessable].map((kind) => replica.get(kind, 'same')))).toEqual([1, 2, 3])
      })

      test('a record is absent from its expiry on', async () => {
        const [kind, id] = [newKind<string>(), newId()]
        await store.put(kind, id, 'here', { expiresAt: clock.now() + HOUR })
        clock.move(HOUR - 1000)
        expect(await store.get(kind, id)).toBe('here')
        clock.move(1000)
        expect(await store.get(kind, id)).toBeUndefined()
        expect(await store.update(kind, id, () => 'changed')).toBeUndefined()
      })

      test('a name that could be taken for a part of a key is refused', async () => {
        await expect(store.put({ name: 'a:b' }, 'id', 1)).rejects.toThrow('kind')
        await expect(store.put(newKind(), 'id', 1, { indexes: { 'a:b': 'x' } })).rejects.toThrow('index')
      })
    })

    describe('create', () => {
      test('of 25 at once exactly one succeeds', async () => {
        const [kind, id] = [newKind<number>(), newId()]
        const outcomes = await times(25, (each, i) => each.create(kind, id, i))
        expect(outcomes.filter(Boolean)).toHaveLength(1)
        expect(await store.get(kind, id)).toBe(outcomes.indexOf(true))
      })

      test('an expired leftover does not stand in the way', async () => {
        const [kind, id] = [newKind<number>(), newId()]
        expect(await store.create(kind, id, 1, { expiresAt: clock.now() + HOUR })).toBe(true)
        expect(await store.create(kind, id, 2)).toBe(false)
        clock.move(HOUR)
        expect(await store.create(kind, id, 3)).toBe(true)
        expect(await store.get(kind, id)).toBe(3)
      })
    })

    describe('update', () => {
      test('50 at once lose nothing', async () => {
        const [kind, id] = [newKind<{ count: number }>(), newId()]
        await store.put(kind, id, { count: 0 })
        await times(50, (each) => each.update(kind, id, ({ count }) => ({ count: count + 1 })))
        expect(await store.get(kind, id)).toEqual({ count: 50 })
      })

      test('three processes at once lose nothing', async () => {
        const [kind, id] = [newKind<number>(), newId()]
        await store.put(kind, id, 0)
        const program = fileURLToPath(new URL('./count-process.ts', import.meta.url))
        const run = () =>
          promisify(execFile)(process.execPath, [program, engine.url, kind.name, id, '30'], {
            env: { ...process.env, SEALING_KEY: sealingKey.toString('hex'), LOOKUP_KEY: lookupKey.toString('hex') }
          })
        await Promise.all([run(), run(), run()])
        expect(await store.get(kind, id)).toBe(90)
      })

      test('keeps expiry and indexes', async () => {
        const [kind, id] = [newKind<string>(), newId()]
        await store.put(kind, id, 'before', { expiresAt: clock.now() + HOUR, indexes: { owner: 'maria' } })
        expect(await replica.update(kind, id, () => 'after')).toBe('after')
        expect((await store.list(kind, { name: 'owner', value: 'maria' }, { limit: 10 })).records).toEqual(['after'])
        clock.move(HOUR)
        expect(await store.get(kind, id)).toBeUndefined()
      })

      test('leaves a record alone where the change says so', async () => {
        const [kind, id] = [newKind<string>(), newId()]
        await store.put(kind, id, 'kept')
        expect(await store.update(kind, id, () => undefined)).toBeUndefined()
        expect(await store.get(kind, id)).toBe('kept')
      })
    })

    describe('a store that reads and then writes', () => {
      test('is caught by the tests of create and update', async () => {
        const careless = await openOn(engine.url, clock.now, readThenWrite)
        const [kind, counted, created] = [newKind<number>(), newId(), newId()]
        await careless.put(kind, counted, 0)
        const each = Array.from({ length: 25 })
        await Promise.all(each.map(() => careless.update(kind, counted, (count) => count + 1)))
        expect(await careless.get(kind, counted)).toBeLessThan(25)
        const outcomes = await Promise.all(each.map(() => careless.create(kind, created, 1)))
        expect(outcomes.filter(Boolean).length).toBeGreaterThan(1)
        await careless.close()
      })
    })

    describe('commit', () => {
      test('writes all where every condition holds', async () => {
        const kind = newKind<string>()
        const id = newTaggedId()
        const [beside, gone] = [newIdBeside(id, 'kw_rt_'), newIdBeside(id)]
        await store.put(kind, id, 'old')
        await store.put(kind, gone, 'gone')
        const found = await replica.read(kind, id)
        expect(found?.record).toBe('old')
        if (!found) throw new Error('absent')
        const writes = [
          { kind, id, record: 'new', ifVersion: found.version },
          { kind, id: beside, record: 'beside', ifAbsent: true as const },
          { kind, id: gone, remove: true as const }
        ]
        expect(await store.commit(writes)).toBe(true)
        expect(await Promise.all([id, beside, gone].map((each) => replica.get(kind, each)))).toEqual(['new', 'beside', undefined])
      })

      test.each([
        'a version that has changed',
        'a version that has ended',
        'a record that is there',
        'a removal of a changed version'
      ])('writes nothing because of %s', async (problem) => {
        const kind = newKind<string>()
        const id = newTaggedId()
        const beside = newIdBeside(id)
        await store.put(kind, id, 'old', { expiresAt: clock.now() + HOUR })
        const found = await store.read(kind, id)
        if (!found) throw new Error('absent')
        if (problem === 'a version that has ended') clock.move(HOUR)
        else await store.put(kind, id, 'old')
        const ifVersion = found.version
        const condition =
          problem === 'a record that is there'
            ? { kind, id, record: 'new', ifAbsent: true as const }
            : problem.startsWith('a removal')
              ? { kind, id, remove: true as const, ifVersion }
              : { kind, id, record: 'new', ifVersion }
        expect(await store.commit([{ kind, id: beside, record: 'beside' }, condition])).toBe(false)
        expect(await store.get(kind, beside)).toBeUndefined()
        expect(await store.get(kind, id)).toBe(problem === 'a version that has ended' ? undefined : 'old')
      })

      test('of 25 redemptions of one version at once exactly one succeeds', async () => {
        const [kind, id] = [newKind<string>(), newTaggedId()]
        await store.put(kind, id, 'code')
        const found = await store.read(kind, id)
        if (!found) throw new Error('absent')
        const outcomes = await times(25, (each) => each.commit([{ kind, id, record: 'used', ifVersion: found.version }]))
        expect(outcomes.filter(Boolean)).toHaveLength(1)
      })

      test('a version holds only until the record is written again, even with the same content', async () => {
        const [kind, id] = [newKind<string>(), newTaggedId()]
        await store.put(kind, id, 'same')
        const found = await store.read(kind, id)
        await store.put(kind, id, 'same')
        if (!found) throw new Error('absent')
        expect(await store.commit([{ kind, id, record: 'x', ifVersion: found.version }])).toBe(false)
      })

      test('over two slots throws, as do a guessable id and its lookalike tag', async () => {
        const kind = newKind<number>()
        await expect(
          store.commit([
            { kind, id: newTaggedId(), record: 1 },
            { kind, id: newTaggedId(), record: 2 }
          ])
        ).rejects.toThrow('slot')
        const names = newKind<number>({ guessable: true })
        const lookalikes = ['username.a', 'username.b'].map((id) => ({ kind: names, id, record: 1 }))
        await expect(store.commit(lookalikes)).rejects.toThrow('slot')
      })
    })

    describe('counters', () => {
      test('40 at once are all counted, each with its own number', async () => {
        const [kind, id] = [newKind<number>(), newId()]
        const counts = await times(40, (each) => each.increment(kind, id, HOUR))
        expect(counts.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
        expect(await store.count(kind, id)).toBe(40)
      })

      test('a counter lives from its first call, later ones do not prolong it', async () => {
        const [kind, id] = [newKind<number>(), newId()]
        await store.increment(kind, id, HOUR)
        clock.move(HOUR / 2)
        expect(await store.increment(kind, id, HOUR)).toBe(2)
        clock.move(HOUR / 2)
        expect(await store.count(kind, id)).toBe(0)
        expect(await store.increment(kind, id, HOUR)).toBe(1)
      })

      test('a counter with a bound counts as many as that and no more, whoever asks', async () => {
        const [kind, id] = [newKind<number>({ guessable: true }), newId()]
        const counts = await times(40, (each) => each.increment(kind, id, HOUR, 7))
        expect(counts.filter((count) => count <= 7).sort()).toEqual([1, 2, 3, 4, 5, 6, 7])
        expect(new Set(counts)).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8]))
        expect(await store.count(kind, id)).toBe(7)
        expect(await store.increment(kind, id, HOUR, 8)).toBe(8)
        clock.move(HOUR)
        expect(await store.increment(kind, id, HOUR, 1)).toBe(1)
      })

      test('a counter gives back what was taken, in its own life only and never below 0', async () => {
        const [kind, id] = [newKind<number>({ guessable: true }), newId()]
        await store.decrement(kind, id)
        expect(await store.count(kind, id)).toBe(0)
        await times(40, (each) => each.increment(kind, id, HOUR))
        await times(38, (each) => each.decrement(kind, id))
        expect(await store.increment(kind, id, HOUR)).toBe(3)
        clock.move(HOUR / 2)
        await times(9, (each) => each.decrement(kind, id))
        expect(await store.increment(kind, id, HOUR)).toBe(1)
        clock.move(HOUR / 2)
        expect(await store.count(kind, id)).toBe(0)
        await store.decrement(kind, id)
        expect(await store.increment(kind, id, HOUR)).toBe(1)
      })

      test('delete resets a counter', async () => {
        const [kind, id] = [newKind<number>({ guessable: true }), 'maria']
        expect(await store.count(kind, id)).toBe(0)
        await store.increment(kind, id, HOUR)
        await store.delete(kind, id)
        expect(await store.count(kind, id)).toBe(0)
      })
    })

    viewPromises(subject)
    listingPromises(subject)
    sealingPromises(subject)

    test('a store that answers says so, one that is closed throws StoreUnavailable', async () => {
      const another = await openOn(engine.url)
      await another.check()
      await another.close()
      await expect(another.check()).rejects.toThrow(StoreUnavailable)
      await expect(another.get(newKind(), 'x')).rejects.toThrow(StoreUnavailable)
    })
  })
}
