/**
 * F22: what an earlier version has stored opens in this one. test/fixtures/store-1 holds records as they were written before
 * there was a ring of signing keys: envelope version 1, record version 1, a single signing key.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSealer } from '../../../src/keys/sealing.ts'
import { loadSigningKeys } from '../../../src/keys/signing-keys.ts'
import type { StoredRing } from '../../../src/keys/signing-ring.ts'
import { createStore } from '../../../src/store/sealed-store.ts'
import { openSqlite } from '../../../src/store/sqlite.ts'
import type { Kind, Store } from '../../../src/store/store.ts'

const FOLDER = join(import.meta.dirname, '../../fixtures/store-1')
const fixture: {
  sealingKey: { id: number; byte: number }
  lookupByte: number
  kid: string
  rows: {
    kind: string
    id: string
    tag: string
    expiresAt: number | null
    indexes: { name: string; value: string }[]
    file: string
  }[]
} = JSON.parse(readFileSync(join(FOLDER, 'rows.json'), 'utf8'))

const now = () => Date.UTC(2026, 11, 1)
let store: Store
beforeEach(async () => {
  const driver = await openSqlite(':memory:', now)
  for (const { kind, id, tag, expiresAt, indexes, file } of fixture.rows) {
    const payload = readFileSync(join(FOLDER, file))
    await driver.commit([{ place: { kind, id, tag }, condition: 'none', payload, expiresAt: expiresAt ?? undefined, indexes }])
  }
  const { id, byte } = fixture.sealingKey
  const sealer = createSealer([
    { id: 9, key: new Uint8Array(32).fill(9) },
    { id, key: new Uint8Array(32).fill(byte) }
  ])
  store = createStore({ driver, sealer, lookupKey: new Uint8Array(32).fill(fixture.lookupByte), now })
})
afterEach(() => store.close())

test('F22: a record of an earlier version is found by its id, a guessable id and an index, and can be changed', async () => {
  const session: Kind<{ text: string; list: number[] }> = { name: 'session' }
  const expected = { text: 'über 🩺', list: [1, 2] }
  expect(await store.get(session, 'fixture-session')).toEqual(expected)
  expect(await store.get({ name: 'account', guessable: true }, 'maria')).toEqual({ sub: 'maria-1' })
  const index = { name: 'account', value: 'maria' }
  expect((await store.list(session, index, { limit: 5 })).records).toEqual([expected])
  await store.update(session, 'fixture-session', (current) => ({ ...current, list: [3] }))
  expect((await store.list(session, index, { limit: 5 })).records).toEqual([{ ...expected, list: [3] }])
})

test('F22: a single signing key of an earlier version signs on, and is given a next one, in a form that such a version reads', async () => {
  const { keys } = await loadSigningKeys(store, now)
  expect(keys[0]?.kid).toBe(fixture.kid)
  expect(keys).toHaveLength(2)
  expect(await loadSigningKeys(store, now)).toEqual({ keys })
  const stored = await store.get<StoredRing>({ name: 'signing-keys' }, 'current')
  // What such a version does with the record: all are published, the first signs.
  expect(stored?.keys.map(({ jwk }) => jwk)).toEqual(keys)
})
