/**
 * F22: what an earlier version has stored opens in this one. test/fixtures/store-1 holds records as they were written before
 * there was a ring of signing keys: envelope version 1, record version 1, a single signing key. store-2 holds the same in
 * record version 2, and one record with a value of each type that this version can write.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createSealer } from '../../../src/keys/sealing.ts'
import { loadSigningKeys } from '../../../src/keys/signing-keys.ts'
import type { StoredRing } from '../../../src/keys/signing-ring.ts'
import { createStore } from '../../../src/store/sealed-store.ts'
import { openSqlite } from '../../../src/store/sqlite.ts'
import type { Kind, Store } from '../../../src/store/store.ts'

interface Fixture {
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
}

const now = () => Date.UTC(2026, 11, 1)
const readingOf = (folder: string) => (file: string) => readFileSync(join(import.meta.dirname, '../../fixtures', folder, file))

async function storeOf(folder: string): Promise<{ store: Store; fixture: Fixture }> {
  const read = readingOf(folder)
  const fixture: Fixture = JSON.parse(read('rows.json').toString())
  const driver = await openSqlite(':memory:', now)
  for (const { kind, id, tag, expiresAt, indexes, file } of fixture.rows) {
    const payload = read(file)
    await driver.commit([{ place: { kind, id, tag }, condition: 'none', payload, expiresAt: expiresAt ?? undefined, indexes }])
  }
  const { id, byte } = fixture.sealingKey
  const sealer = createSealer([
    { id: 9, key: new Uint8Array(32).fill(9) },
    { id, key: new Uint8Array(32).fill(byte) }
  ])
  return { store: createStore({ driver, sealer, lookupKey: new Uint8Array(32).fill(fixture.lookupByte), now }), fixture }
}

describe.each(['store-1', 'store-2'])('records of %s', (folder) => {
  let store: Store
  let fixture: Fixture
  beforeEach(async () => {
    ;({ store, fixture } = await storeOf(folder))
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
})

test('F22: a record of version 2 brings back a value of each type', async () => {
  const { store } = await storeOf('store-2')
  const scope = 'openid fhirUser offline_access launch/patient patient/Patient.rs patient/Observation.rs'
  expect(await store.get({ name: 'values' }, 'fixture-values')).toEqual({
    kind: 'Grant',
    accountId: 'fixture-account',
    openid: { scope },
    resources: { 'http://localhost:9001/fhir': scope },
    'a name that is no word': null,
    yes: true,
    no: false,
    wide: 'Zoë 🩺 山田',
    long: 'x'.repeat(300),
    half: 1.5,
    below: -70,
    far: 1_798_761_600_123,
    small: 63,
    next: 64,
    list: Array.from({ length: 20 }, (_, i) => i * 10),
    many: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`member${i}`, i])),
    none: {},
    nothing: [],
    empty: ''
  })
  await store.close()
})
