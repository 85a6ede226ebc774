import { describe, expect, test } from 'vitest'
import { CHAINS, HEADS, hashOf, listChains, RECORDS, recordId } from '../../../src/audit/chain.ts'
import type { AuditRecord } from '../../../src/audit/event.ts'
import { openAuditTrail } from '../../../src/audit/trail.ts'
import { verifyAudit } from '../../../src/audit/verify.ts'
import type { Store } from '../../../src/store/store.ts'
import { newAuditFile, runProcess, SOURCE } from './audit-store.ts'

/** Two processes, one after the other: chains of 1 + 8 + 1 records, and a way to change each. */
async function twoChains() {
  const file = await newAuditFile()
  const store = await file.open()
  await runProcess(store, 8)
  await runProcess(store, 8)
  const { chains } = await listChains(store)
  const [first = '', second = ''] = chains
  return { file, store, first, second }
}

async function recordAt(store: Store, chain: string, sequence: number): Promise<AuditRecord> {
  const record = await store.get(RECORDS, recordId(chain, sequence))
  if (!record) throw new Error(`no record ${sequence}`)
  return record
}

async function overwrite(store: Store, chain: string, sequence: number, record: AuditRecord) {
  await store.put(RECORDS, recordId(chain, sequence), record)
}

test('an untouched trail is intact, and counted', async () => {
  const { store } = await twoChains()
  expect(await verifyAudit(store)).toEqual({ ok: true, records: 20, chains: 2 })
})

test('an empty trail is intact', async () => {
  expect(await verifyAudit(await (await newAuditFile()).open())).toEqual({ ok: true, records: 0, chains: 0 })
})

test('what live processes record while it is verified is no fault', async () => {
  const { file, store } = await twoChains()
  const live = await openAuditTrail({ store: await file.open(), now: Date.now })
  let isBusy = true
  const busy: Store = {
    ...store,
    async walk(kind, page) {
      // After the chains were verified and before the rest is looked for: the known chain grows, and a new one opens.
      if (isBusy) {
        isBusy = false
        await live.record(SOURCE, { type: 'sign-out', outcome: 'ended', accountId: 'a' })
        await runProcess(await file.open(), 1)
      }
      return store.walk(kind, page)
    }
  }
  expect(await verifyAudit(busy)).toEqual({ ok: true, records: 21, chains: 3 })
  expect(isBusy).toBe(false)
})

describe('case 143: the first bad record is named', () => {
  test('one whose content was changed', async () => {
    const { store, second } = await twoChains()
    const record = await recordAt(store, second, 5)
    await overwrite(store, second, 5, { ...record, event: { type: 'sign-in', outcome: 'refused', reason: 'busy' } })
    await overwrite(store, second, 7, { ...(await recordAt(store, second, 7)), time: '2020-01-01T00:00:00.000Z' })
    expect(await verifyAudit(store)).toEqual({ ok: false, chain: second, sequence: 5, problem: 'changed' })
  })

  test('the one after a record that was changed together with its hash', async () => {
    const { store, second } = await twoChains()
    const forged = { ...(await recordAt(store, second, 5)), source: { ...SOURCE, address: '198.51.100.1' } }
    await overwrite(store, second, 5, { ...forged, hash: hashOf(forged) })
    expect(await verifyAudit(store)).toEqual({ ok: false, chain: second, sequence: 6, problem: 'reordered' })
  })

  test('the last one, changed together with its hash', async () => {
    const { store, second } = await twoChains()
    const forged = { ...(await recordAt(store, second, 10)), time: '2020-01-01T00:00:00.000Z' }
    await overwrite(store, second, 10, { ...forged, hash: hashOf(forged) })
    expect(await verifyAudit(store)).toEqual({ ok: false, chain: second, sequence: 10, problem: 'changed' })
  })

  test.each([1, 4, 9])('number %i, which was deleted', async (sequence) => {
    const { store, first } = await twoChains()
    await store.delete(RECORDS, recordId(first, sequence))
    expect(await verifyAudit(store)).toEqual({ ok: false, chain: first, sequence, problem: 'missing' })
  })

  test('one of two that changed places', async () => {
    const { store, first } = await twoChains()
    const [third, sixth] = [await recordAt(store, first, 3), await recordAt(store, first, 6)]
    await overwrite(store, first, 3, sixth)
    await overwrite(store, first, 6, third)
    expect(await verifyAudit(store)).toEqual({ ok: false, chain: first, sequence: 3, problem: 'reordered' })
  })

  test('the first of those cut off at the end', async () => {
    const { store, second } = await twoChains()
    for (const sequence of [8, 9, 10]) await store.delete(RECORDS, recordId(second, sequence))
    expect(await verifyAudit(store)).toEqual({ ok: false, chain: second, sequence: 8, problem: 'cut' })
  })

  test('the first of those cut off at the end together with the head, by what a later chain knows', async () => {
    const { store, first } = await twoChains()
    for (const sequence of [8, 9, 10]) await store.delete(RECORDS, recordId(first, sequence))
    await store.put(HEADS, first, { chain: first, sequence: 7, hash: (await recordAt(store, first, 7)).hash, closed: false })
    expect(await verifyAudit(store)).toEqual({ ok: false, chain: first, sequence: 8, problem: 'cut' })
  })

  test('the first of a chain that was deleted without a trace, by what a later chain knows', async () => {
    const { store, first } = await twoChains()
    for (let sequence = 1; sequence <= 10; sequence++) await store.delete(RECORDS, recordId(first, sequence))
    await store.delete(HEADS, first)
    await store.delete(CHAINS, first)
    expect(await verifyAudit(store)).toEqual({ ok: false, chain: first, sequence: 1, problem: 'cut' })
  })

  test('one that was rewritten with all that follow it, by what a later chain knows', async () => {
    const { store, first } = await twoChains()
    let previousHash = (await recordAt(store, first, 4)).hash
    for (let sequence = 5; sequence <= 10; sequence++) {
      const forged = { ...(await recordAt(store, first, sequence)), previousHash, source: { ...SOURCE, address: '198.51.100.1' } }
      previousHash = hashOf(forged)
      await overwrite(store, first, sequence, { ...forged, hash: previousHash })
    }
    await store.put(HEADS, first, { chain: first, sequence: 10, hash: previousHash, closed: true })
    expect(await verifyAudit(store)).toEqual({ ok: false, chain: first, sequence: 10, problem: 'changed' })
  })

  test('a head that is gone', async () => {
    const { store, second } = await twoChains()
    await store.delete(HEADS, second)
    expect(await verifyAudit(store)).toEqual({ ok: false, chain: second, sequence: 1, problem: 'head-missing' })
  })

  test('a record after a head that was set back', async () => {
    const { store, second } = await twoChains()
    await store.put(HEADS, second, { chain: second, sequence: 9, hash: (await recordAt(store, second, 9)).hash, closed: false })
    expect(await verifyAudit(store)).toEqual({ ok: false, chain: second, sequence: 10, problem: 'not-counted' })
  })

  test('a chain that was taken off the list', async () => {
    const { store, second } = await twoChains()
    await store.delete(CHAINS, second)
    expect(await verifyAudit(store)).toEqual({ ok: false, chain: second, sequence: 1, problem: 'not-listed' })
  })
})

test('case 143: two processes that append at once leave two linear chains', async () => {
  const file = await newAuditFile()
  await Promise.all([runProcess(await file.open(), 40), runProcess(await file.open(), 40)])
  expect(await verifyAudit(await file.open())).toEqual({ ok: true, records: 84, chains: 2 })
})

describe('case 143: sealed bytes changed under the store', () => {
  test.each(['audit-record', 'audit-head', 'audit-chain'])('a flipped bit in each %s is found', async (kind) => {
    const { file, store } = await twoChains()
    const raw = file.raw()
    const rows = raw.prepare('SELECT id, payload FROM entries WHERE kind = ?').all(kind)
    expect(rows.length).toBeGreaterThan(1)
    for (const { id, payload } of rows) {
      if (!(payload instanceof Uint8Array) || id === undefined) throw new Error('not the table this test knows')
      const flipped = Uint8Array.from(payload, (byte, index) => (index === 40 ? byte ^ 1 : byte))
      raw.prepare('UPDATE entries SET payload = ? WHERE kind = ? AND id = ?').run(flipped, kind, id)
      expect(await verifyAudit(store)).toMatchObject({ ok: false })
      raw.prepare('UPDATE entries SET payload = ? WHERE kind = ? AND id = ?').run(payload, kind, id)
    }
    expect(await verifyAudit(store)).toMatchObject({ ok: true })
  })

  test('rows that changed places are unreadable, and the first of them is named', async () => {
    const { file, store, first } = await twoChains()
    const raw = file.raw()
    const rows = raw.prepare("SELECT id, payload FROM entries WHERE kind = 'audit-record'").all()
    const payloads = rows.map(({ payload }) => payload ?? null)
    for (const [index, { id }] of rows.entries()) {
      const moved = payloads[(index + 1) % payloads.length] ?? null
      raw.prepare("UPDATE entries SET payload = ? WHERE kind = 'audit-record' AND id = ?").run(moved, id ?? null)
    }
    expect(await verifyAudit(store)).toEqual({ ok: false, chain: first, sequence: 1, problem: 'unreadable' })
  })
})
