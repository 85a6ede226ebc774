/** The part of the contract about records that several callers hold at once. */
import { describe, expect, test } from 'vitest'
import { RecordUnreadable, type Store } from '../../src/store/store.ts'
import { type Clock, type Engine, newId, newKind } from './engine.ts'

const HOUR = 3_600_000

type Subject = () => { engine: Engine; clock: Clock; store: Store; replica: Store }

interface Patient {
  name: string
  scopes: string[]
}

export function viewPromises(subject: Subject) {
  describe('view', () => {
    test('shows what was put last by anybody, until it is deleted or ends', async () => {
      const { clock, store, replica } = subject()
      const [kind, id, ending] = [newKind<Patient>({ guessable: true }), newId(), newId()]
      expect(await store.view(kind, id)).toBeUndefined()
      for (const name of ['first', 'second', 'first']) {
        await replica.put(kind, id, { name, scopes: [] })
        for (let i = 0; i < 3; i += 1) expect((await store.view(kind, id))?.record).toEqual({ name, scopes: [] })
      }
      await replica.delete(kind, id)
      expect(await store.view(kind, id)).toBeUndefined()
      await replica.put(kind, ending, { name: 'ending', scopes: [] }, { expiresAt: clock.now() + HOUR })
      expect(await store.view(kind, ending)).toBeDefined()
      clock.move(HOUR)
      expect(await store.view(kind, ending)).toBeUndefined()
    })

    test('no caller can change what another sees', async () => {
      const { store } = subject()
      const [kind, id] = [newKind<Patient>(), newId()]
      await store.put(kind, id, { name: 'Leo', scopes: ['openid'] })
      for (let i = 0; i < 2; i += 1) {
        const found = await store.view(kind, id)
        expect(() => found?.record.scopes.push('user/*.cruds')).toThrow(TypeError)
        expect(() => Object.assign(found?.record ?? {}, { name: 'other' })).toThrow(TypeError)
      }
      const own = await store.get(kind, id)
      own?.scopes.push('own')
      expect((await store.view(kind, id))?.record).toEqual({ name: 'Leo', scopes: ['openid'] })
      expect(await store.get(kind, id)).toEqual({ name: 'Leo', scopes: ['openid'] })
    })

    test('its version serves a commit, once', async () => {
      const { store, replica } = subject()
      const [kind, id] = [newKind<string>(), newId()]
      await store.put(kind, id, 'before')
      await store.view(kind, id)
      const found = await store.view(kind, id)
      if (!found) throw new Error('absent')
      const write = { kind, id, record: 'after', ifVersion: found.version }
      expect(await replica.commit([write])).toBe(true)
      expect(await store.commit([write])).toBe(false)
      expect((await store.view(kind, id))?.record).toBe('after')
    })

    test('case 116: a record that was seen before is refused once another lies in its place', async () => {
      const { engine, store } = subject()
      const kind = newKind<string>()
      const ids = [newId(), newId()]
      for (const id of ids) await store.put(kind, id, id)
      for (const id of ids) expect((await store.view(kind, id))?.record).toBe(id)
      await engine.copyOneOverAnother(kind.name)
      const outcomes = await Promise.allSettled(ids.map((id) => store.view(kind, id)))
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(outcomes.find((outcome) => outcome.status === 'rejected')?.reason).toBeInstanceOf(RecordUnreadable)
    })
  })
}
