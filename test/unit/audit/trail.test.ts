import { describe, expect, test } from 'vitest'
import { CHAINS } from '../../../src/audit/chain.ts'
import type { AuditEvent, AuditRecord } from '../../../src/audit/event.ts'
import { exportLine, readAudit } from '../../../src/audit/read.ts'
import { openAuditTrail } from '../../../src/audit/trail.ts'
import { verifyAudit } from '../../../src/audit/verify.ts'
import { type Store, StoreUnavailable } from '../../../src/store/store.ts'
import { newAuditFile, runProcess, SOURCE } from './audit-store.ts'

const signOut = (accountId: string): AuditEvent => ({ type: 'sign-out', outcome: 'ended', accountId })

async function recordsOf(store: Store): Promise<AuditRecord[]> {
  const records: AuditRecord[] = []
  for await (const record of readAudit(store)) records.push(record)
  return records
}

const accountsOf = (records: AuditRecord[]) => records.flatMap(({ event }) => ('accountId' in event ? [event.accountId] : []))

test('an event is stored with who, when and where once record resolves', async () => {
  const file = await newAuditFile()
  const trail = await openAuditTrail({ store: await file.open(), now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) })
  await trail.record(SOURCE, { type: 'sign-in', outcome: 'refused', reason: 'wrong-credentials' })
  const [opening, record] = await recordsOf(await file.open())
  expect(record).toEqual({
    chain: opening?.chain,
    sequence: 2,
    time: '2026-01-02T03:04:05.006Z',
    source: SOURCE,
    event: { type: 'sign-in', outcome: 'refused', reason: 'wrong-credentials' },
    previousHash: opening?.hash,
    hash: expect.stringMatching(/^[0-9a-f]{64}$/)
  })
})

test('only the members of a source are kept, whatever else the object carries', async () => {
  const store = await (await newAuditFile()).open()
  const trail = await openAuditTrail({ store, now: Date.now })
  const source = { ...SOURCE, cookie: 'secret' }
  await trail.record(source, signOut('a'))
  expect((await recordsOf(store))[1]?.source).toEqual(SOURCE)
})

test('events recorded at once are stored in the order of the calls, many in one commit', async () => {
  const store = await (await newAuditFile()).open()
  let commits = 0
  const counting: Store = { ...store, commit: (writes) => store.commit(writes).finally(() => commits++) }
  const trail = await openAuditTrail({ store: counting, now: Date.now })
  const names = Array.from({ length: 500 }, (_, index) => `account-${index}`)
  await Promise.all(names.map((name) => trail.record(SOURCE, signOut(name))))
  expect(accountsOf(await recordsOf(store))).toEqual(names)
  expect(commits).toBeLessThan(12)
})

test('an event is recorded as it was when record was called', async () => {
  const store = await (await newAuditFile()).open()
  const trail = await openAuditTrail({ store, now: Date.now })
  const scopes = ['openid']
  const written = trail.record(SOURCE, { type: 'token', outcome: 'issued', scopes })
  scopes.push('patient/*.rs')
  await written
  expect((await recordsOf(store))[1]?.event).toMatchObject({ scopes: ['openid'] })
  expect(await verifyAudit(store)).toMatchObject({ ok: true })
})

test('closing writes what waits, then the closing record, and refuses what comes later', async () => {
  const store = await (await newAuditFile()).open()
  const trail = await openAuditTrail({ store, now: Date.now })
  const waiting = Array.from({ length: 300 }, () => trail.record(SOURCE, signOut('a')))
  await Promise.all([trail.close(), ...waiting])
  const outcomes = (await recordsOf(store)).map(({ event }) => event.outcome)
  expect(outcomes).toEqual(['opened', ...waiting.map(() => 'ended'), 'closed'])
  await expect(trail.record(SOURCE, signOut('b'))).rejects.toThrow(StoreUnavailable)
})

describe('anchors', () => {
  const anchorsOf = (records: AuditRecord[]) =>
    records.flatMap(({ event }) => (event.type === 'audit-chain' && 'anchors' in event ? [event.anchors] : []))

  test('a new chain anchors the closing record of the one before, and no later chain does again', async () => {
    const store = await (await newAuditFile()).open()
    for (let count = 0; count < 3; count++) await runProcess(store, 2)
    const records = await recordsOf(store)
    const closings = records
      .filter(({ event }) => event.outcome === 'closed')
      .map(({ chain, sequence, hash }) => ({ chain, sequence, hash }))
    expect(anchorsOf(records)).toEqual([[], [closings[0]], [closings[1]]])
    // Only the last is still to be anchored: opening a chain costs the same after years of restarts.
    const due = await store.list(CHAINS, { name: 'anchor', value: 'due' }, { limit: 10 })
    expect(due.records.map(({ chain }) => chain)).toEqual([closings[2]?.chain])
  })

  test('a chain that ended without closing is anchored once, and then left alone', async () => {
    const store = await (await newAuditFile()).open()
    const crashed = await openAuditTrail({ store, now: Date.now })
    await crashed.record(SOURCE, signOut('a'))
    for (let count = 0; count < 3; count++) await runProcess(store, 1)
    const [crashedChain] = await recordsOf(store)
    expect(
      anchorsOf(await recordsOf(store)).map((anchors) => anchors.filter(({ chain }) => chain === crashedChain?.chain).length)
    ).toEqual([0, 1, 0, 0])
  })

  test('two live chains anchor each other every thousand records', async () => {
    const file = await newAuditFile()
    const store = await file.open()
    const [one, other] = [
      await openAuditTrail({ store, now: Date.now }),
      await openAuditTrail({ store: await file.open(), now: Date.now })
    ]
    for (let round = 0; round < 2; round++) {
      await Promise.all(Array.from({ length: 1100 }, () => one.record(SOURCE, signOut('one'))))
      await Promise.all(Array.from({ length: 1100 }, () => other.record(SOURCE, signOut('other'))))
    }
    const anchored = (await recordsOf(store)).filter(({ event }) => event.outcome === 'anchored')
    expect(new Set(anchored.map(({ chain }) => chain)).size).toBe(2)
    expect(anchorsOf(anchored).every((anchors) => anchors.length === 1)).toBe(true)
    expect(await verifyAudit(store)).toMatchObject({ ok: true, chains: 2 })
  })

  test('a quiet chain anchors the others once an hour has passed', async () => {
    const file = await newAuditFile()
    const store = await file.open()
    let time = Date.UTC(2026, 0, 1)
    const trail = await openAuditTrail({ store, now: () => time })
    await runProcess(await file.open(), 1)
    await trail.record(SOURCE, signOut('before'))
    time += 3_600_000
    await trail.record(SOURCE, signOut('after'))
    const outcomes = (await recordsOf(store))
      .filter(({ time: at }) => at.startsWith('2026-01-01T'))
      .map(({ event }) => event.outcome)
    expect(outcomes).toEqual(['opened', 'ended', 'anchored', 'ended'])
  })
})

describe('case 142: one event is one encoded record', () => {
  test.each([
    ['CR LF', 'a\r\n{"type":"sign-in","outcome":"accepted"}'],
    ['an ANSI escape', '\u001b[2J\u001b[31mowned\u001b[0m'],
    ['JSON that closes the member', '","outcome":"granted"},{"x":"'],
    ['a null byte, C1 controls and Unicode line ends', 'a\u0000\u0085\u009b31m\u2028\u2029'],
    ['half a surrogate pair', '\ud83d']
  ])('%s in any member', async (_what, text) => {
    const store = await (await newAuditFile()).open()
    const trail = await openAuditTrail({ store, now: Date.now })
    const event: AuditEvent = {
      type: 'launch',
      outcome: 'refused',
      reason: text,
      ehr: text,
      clientId: text,
      fhirServer: text,
      patient: text
    }
    await trail.record({ requestId: text, address: text }, event)
    const records = await recordsOf(store)
    expect(records).toHaveLength(2)
    expect(records[1]).toMatchObject({ source: { requestId: text, address: text }, event })
    expect(await verifyAudit(store)).toMatchObject({ ok: true, records: 2 })
    const lines = records.map(exportLine)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there is none is what is shown
    for (const line of lines) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
    expect(lines.map((line) => JSON.parse(line))).toEqual(records)
  })
})

describe('case 144: a store that is away', () => {
  test('an event that cannot be written rejects, and the trail goes on without a restart', async () => {
    const file = await newAuditFile()
    const store = await file.open()
    const trail = await openAuditTrail({ store, now: Date.now })
    await trail.record(SOURCE, signOut('before'))
    const lock = file.raw()
    lock.exec('BEGIN EXCLUSIVE')
    const results = await Promise.allSettled([trail.record(SOURCE, signOut('lost-1')), trail.record(SOURCE, signOut('lost-2'))])
    lock.exec('ROLLBACK')
    for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailable) })
    await trail.record(SOURCE, signOut('after'))
    expect(accountsOf(await recordsOf(store))).toEqual(['before', 'after'])
    expect(await verifyAudit(store)).toMatchObject({ ok: true, chains: 1 })
  })

  test('a trail opened while the store is away opens its chain with the first event', async () => {
    const file = await newAuditFile()
    const store = await file.open()
    const lock = file.raw()
    lock.exec('BEGIN EXCLUSIVE')
    const trail = await openAuditTrail({ store, now: Date.now })
    await expect(trail.record(SOURCE, signOut('lost'))).rejects.toThrow(StoreUnavailable)
    lock.exec('ROLLBACK')
    await trail.record(SOURCE, signOut('after'))
    expect(accountsOf(await recordsOf(store))).toEqual(['after'])
  })

  test('a commit that was applied though its answer got lost is continued, not doubled and not forked', async () => {
    const store = await (await newAuditFile()).open()
    let loseAnswer = false
    const flaky: Store = {
      ...store,
      async commit(writes) {
        const done = await store.commit(writes)
        if (!loseAnswer) return done
        loseAnswer = false
        throw new StoreUnavailable('no answer in time')
      }
    }
    const trail = await openAuditTrail({ store: flaky, now: Date.now })
    loseAnswer = true
    await expect(trail.record(SOURCE, signOut('unknown'))).rejects.toThrow(StoreUnavailable)
    await trail.record(SOURCE, signOut('after'))
    expect(accountsOf(await recordsOf(store))).toEqual(['unknown', 'after'])
    expect(await verifyAudit(store)).toMatchObject({ ok: true, chains: 1, records: 3 })
  })

  test('a commit that is applied late, after the next event, loses: the number is taken', async () => {
    const store = await (await newAuditFile()).open()
    let hold = false
    let applyLate = async () => false
    const slow: Store = {
      ...store,
      async commit(writes) {
        if (!hold) return store.commit(writes)
        hold = false
        applyLate = () => store.commit(writes)
        throw new StoreUnavailable('no answer in time')
      }
    }
    const trail = await openAuditTrail({ store: slow, now: Date.now })
    hold = true
    await expect(trail.record(SOURCE, signOut('late'))).rejects.toThrow(StoreUnavailable)
    await trail.record(SOURCE, signOut('in-time'))
    expect(await applyLate()).toBe(false)
    expect(accountsOf(await recordsOf(store))).toEqual(['in-time'])
    expect(await verifyAudit(store)).toMatchObject({ ok: true })
  })

  test('a head that was deleted while its records stayed is reported, and does not stop the trail', async () => {
    const file = await newAuditFile()
    const store = await file.open()
    let loseAnswer = false
    const flaky: Store = {
      ...store,
      async commit(writes) {
        const done = await store.commit(writes)
        if (!loseAnswer) return done
        loseAnswer = false
        file.raw().exec("DELETE FROM entries WHERE kind = 'audit-head'")
        throw new StoreUnavailable('no answer in time')
      }
    }
    const trail = await openAuditTrail({ store: flaky, now: Date.now })
    await trail.record(SOURCE, signOut('before'))
    const [opening] = await recordsOf(store)
    loseAnswer = true
    await expect(trail.record(SOURCE, signOut('unknown'))).rejects.toThrow(StoreUnavailable)
    await trail.record(SOURCE, signOut('after'))
    const records = await recordsOf(store)
    expect(accountsOf(records)).toEqual(['after'])
    // The new chain says how far the damaged one had come.
    expect(records[0]?.event).toMatchObject({ outcome: 'opened', anchors: [{ chain: opening?.chain, sequence: 2 }] })
    expect(await verifyAudit(store)).toEqual({ ok: false, chain: opening?.chain, sequence: 1, problem: 'head-missing' })
  })
})
