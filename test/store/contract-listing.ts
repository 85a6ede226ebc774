/** The part of the contract about records that are found without their ids, and about what lies in the engine. */
import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { newTaggedId } from '../../src/store/slot.ts'
import { type Kind, RecordUnreadable, type Store } from '../../src/store/store.ts'
import { type Clock, type Engine, newId, newKind } from './engine.ts'

const HOUR = 3_600_000

/** What beforeAll has made: asked for inside each test. */
type Subject = () => { engine: Engine; clock: Clock; store: Store; replica: Store }

export function listingPromises(subject: Subject) {
  describe('indexes', () => {
    test('find a record by each value, page by page, until it is deleted, changed or expired', async () => {
      const { clock, store, replica } = subject()
      const kind = newKind<number>()
      const ids = Array.from({ length: 10 }, newId)
      for (const [i, id] of ids.entries()) {
        await store.put(kind, id, i, {
          indexes: { owner: 'maria', app: `app-${i % 2}` },
          ...(i < 2 && { expiresAt: clock.now() + HOUR })
        })
      }
      expect(await listed(replica, kind, 'owner', 'maria', 3)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
      expect(await listed(replica, kind, 'app', 'app-1', 2)).toEqual([1, 3, 5, 7, 9])
      expect(await listed(replica, kind, 'app', 'maria', 2)).toEqual([])
      await store.delete(kind, ids[4] ?? '')
      await store.put(kind, ids[6] ?? '', 6, { indexes: { owner: 'leo' } })
      clock.move(HOUR)
      expect(await listed(replica, kind, 'owner', 'maria', 4)).toEqual([2, 3, 5, 7, 8, 9])
      expect(await listed(replica, kind, 'owner', 'leo', 4)).toEqual([6])
    })

    test('a create that loses does not touch the record that is there', async () => {
      const { clock, store, replica } = subject()
      const [kind, id] = [newKind<string>(), newId()]
      await store.put(kind, id, 'kept', { indexes: { owner: 'maria' } })
      for (const owner of ['leo', 'maria']) {
        expect(await store.create(kind, id, 'lost', { indexes: { owner }, expiresAt: clock.now() + 1000 })).toBe(false)
      }
      clock.move(2000)
      expect(await listed(replica, kind, 'owner', 'maria', 5)).toEqual(['kept'])
      expect(await listed(replica, kind, 'owner', 'leo', 5)).toEqual([])
    })

    test('a record that is deleted and written anew while others list it is found in the end', async () => {
      const { store, replica } = subject()
      const [kind, id] = [newKind<string>(), newId()]
      for (let round = 0; round < 20; round += 1) {
        await store.delete(kind, id)
        await Promise.all([
          store.put(kind, id, 'again', { indexes: { owner: 'maria' } }),
          ...Array.from({ length: 4 }, () => replica.list(kind, { name: 'owner', value: 'maria' }, { limit: 5 }))
        ])
        expect(await listed(replica, kind, 'owner', 'maria', 5)).toEqual(['again'])
      }
    })
  })

  test('walk comes past every live record of a kind and no other', async () => {
    const { clock, store } = subject()
    const [kind, other] = [newKind<number>(), newKind<number>()]
    for (let i = 0; i < 20; i += 1) await store.put(kind, newId(), i)
    await store.put(other, newId(), 100)
    await store.put(kind, newId(), 101, { expiresAt: clock.now() + 1000 })
    clock.move(1000)
    const seen = new Set<number>()
    let after: string | undefined
    do {
      const page = await store.walk(kind, { limit: 7, ...(after !== undefined && { after }) })
      for (const record of page.records) seen.add(record)
      after = page.next
    } while (after !== undefined)
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })
}

export function sealingPromises(subject: Subject) {
  describe('at rest', () => {
    test('case 116: a record copied over another does not open, and the others still do', async () => {
      const { engine, store } = subject()
      const kind = newKind<string>()
      const ids = [newId(), newId(), newId()]
      await Promise.all(ids.map((id) => store.put(kind, id, id, { indexes: { owner: 'maria' } })))
      await engine.copyOneOverAnother(kind.name)
      const outcomes = await Promise.allSettled(ids.map((id) => store.get(kind, id)))
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
      expect(refused).toHaveLength(1)
      expect(refused[0]?.reason).toBeInstanceOf(RecordUnreadable)
      const page = await store.list(kind, { name: 'owner', value: 'maria' }, { limit: 10 })
      expect(page).toMatchObject({ unreadable: 1 })
      expect(page.records).toHaveLength(2)
    })

    test('neither ids nor index values nor payloads can be read', async () => {
      const { engine, clock, store } = subject()
      const [kind, id, tagged] = [newKind<object>({ guessable: true }), 'maria.diaz.plain', newTaggedId()]
      await store.put(kind, id, { secret: 'payload-in-clear' }, { indexes: { owner: 'owner-in-clear' } })
      await store.put({ name: kind.name }, tagged, { secret: 'payload-in-clear' }, { expiresAt: clock.now() + HOUR })
      await store.increment(newKind({ guessable: true }), 'counted-in-clear', HOUR)
      const everything = await engine.everything()
      expect(everything).toContain(kind.name)
      for (const text of [id, 'maria', tagged.slice(9), 'in-clear', 'secret']) expect(everything).not.toContain(text)
      // Nor can a guessed id be hashed and looked for.
      for (const encoding of ['base64url', 'hex'] as const) {
        for (const guess of [id, `${kind.name}\0${id}`]) expect(everything).not.toContain(hash('sha256', guess, encoding))
      }
    })
  })
}

/** Every record under an index, by pages of `limit`. */
async function listed<T>(store: Store, kind: Kind<T>, name: string, value: string, limit: number): Promise<T[]> {
  const records: T[] = []
  let after: string | undefined
  do {
    const page = await store.list(kind, { name, value }, { limit, ...(after !== undefined && { after }) })
    expect(page.records.length).toBeLessThanOrEqual(limit)
    records.push(...page.records)
    after = page.next
  } while (after !== undefined)
  return records.sort()
}
