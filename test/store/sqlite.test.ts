import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDriver } from '../../src/store/open-store.ts'
import { newIdBeside, newTaggedId } from '../../src/store/slot.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import { storeContract } from './contract.ts'
import { type Engine, movableClock, newId, newKind, openOn } from './engine.ts'

const HOUR = 3_600_000

storeContract('sqlite', async () => engineIn(mkdtempSync(join(tmpdir(), 'keyward-sqlite-'))))

function engineIn(folder: string): Engine {
  const file = join(folder, 'made', 'keyward.db')
  return {
    url: `sqlite:${file}`,
    async copyOneOverAnother(kind) {
      const db = new DatabaseSync(file)
      db.prepare(`UPDATE entries SET payload = (SELECT payload FROM entries WHERE kind = $kind ORDER BY id LIMIT 1)
        WHERE kind = $kind AND id = (SELECT max(id) FROM entries WHERE kind = $kind)`).run({ kind })
      db.close()
    },
    async everything() {
      return readdirSync(join(folder, 'made'))
        .map((name) => readFileSync(join(folder, 'made', name), 'latin1'))
        .join('\n')
    },
    stop: async () => rmSync(folder, { recursive: true, force: true })
  }
}

describe('sqlite file', () => {
  let folder: string
  let engine: Engine
  let file: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyward-sqlite-'))
    engine = engineIn(folder)
    file = engine.url.slice('sqlite:'.length)
  })
  afterEach(() => engine.stop())

  test('is made with its folder, for its owner only, and survives the process', async () => {
    const [kind, id] = [newKind<string>(), newId()]
    const first = await openOn(engine.url)
    await first.put(kind, id, 'kept')
    for (const name of readdirSync(join(folder, 'made'))) expect(statSync(join(folder, 'made', name)).mode & 0o077).toBe(0)
    await first.close()
    const second = await openOn(engine.url)
    expect(second.driver).toBe('sqlite')
    expect(await second.get(kind, id)).toBe('kept')
    await second.close()
  })

  test('keeps a write-ahead log, so that readers never wait for a writer', async () => {
    const store = await openOn(engine.url)
    const db = new DatabaseSync(file)
    expect(db.prepare('PRAGMA journal_mode').get()).toMatchObject({ journal_mode: 'wal' })
    db.close()
    await store.close()
  })

  test('opens for several at the same time', async () => {
    const stores = await Promise.all(Array.from({ length: 5 }, () => openOn(engine.url)))
    await Promise.all(stores.map((store) => store.check()))
    await Promise.all(stores.map((store) => store.close()))
  })

  test('a write waits for the lock of another process without stopping this one', async () => {
    const store = await openOn(engine.url)
    const [kind, id] = [newKind<string>(), newId()]
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    const writing = store.put(kind, id, 'late').then(() => 'written')
    const longest = await longestPause(100)
    // A driver that waits inside SQLite stands still until its time-out, half a second and more.
    expect(longest).toBeLessThan(400)
    expect(await Promise.race([writing, Promise.resolve('waiting')])).toBe('waiting')
    other.exec('COMMIT')
    expect(await writing).toBe('written')
    other.exec('BEGIN IMMEDIATE')
    await expect(store.put(kind, id, 'never')).rejects.toThrow(StoreUnavailable)
    expect(await store.get(kind, id)).toBe('late')
    other.close()
    await store.close()
  })

  test('of another release or of another program is refused', async () => {
    await (await openOn(engine.url)).close()
    const db = new DatabaseSync(file)
    db.exec('PRAGMA user_version = 99')
    db.close()
    await expect(openOn(engine.url)).rejects.toThrow('schema version 99')
    await expect(openOn(`sqlite:${import.meta.filename}`)).rejects.toThrow("can't be opened")
  })

  test('of three thousand expired rows each write removes a few, so that no request waits for all; none stays', async () => {
    const clock = movableClock()
    const store = await openOn(engine.url, clock.now)
    const kind = newKind<number>()
    const id = newTaggedId()
    for (let i = 0; i < 30; i += 1) {
      const options = { expiresAt: clock.now() + HOUR, indexes: { owner: 'maria' } }
      await store.commit(Array.from({ length: 100 }, () => ({ kind, id: newIdBeside(id), record: i, ...options })))
    }
    const db = new DatabaseSync(file)
    const count = db.prepare('SELECT count(*) AS rows FROM entries')
    const rows = (): number => Number(count.get()?.rows)
    expect(rows()).toBe(3000)
    clock.move(HOUR)
    const slices: number[] = []
    let largestLog = 0
    for (let before = rows(), writes = 0; before > 1 && writes < 20_000; writes += 1) {
      await store.put(kind, 'one', writes)
      const after = rows()
      slices.push(before - after)
      before = after
      largestLog = Math.max(largestLog, statSync(`${file}-wal`).size)
    }
    expect(rows()).toBe(1)
    expect(Math.max(...slices)).toBeGreaterThan(1)
    expect(Math.max(...slices)).toBeLessThanOrEqual(32)
    // Nor is the log copied into the file by the thousand pages.
    expect(largestLog).toBeLessThan(500 * 4096)
    db.close()
    await store.close()
  }, 60_000)

  test('loses expired rows, their index entries and counters as it is written to', async () => {
    const clock = movableClock()
    const store = await openOn(engine.url, clock.now)
    const kind = newKind<number>()
    for (let i = 0; i < 100; i += 1)
      await store.put(kind, newId(), i, { expiresAt: clock.now() + 1000, indexes: { owner: 'maria' } })
    await store.increment(kind, newId(), 1000)
    clock.move(1000)
    for (let i = 0; i < 40; i += 1) await store.put(kind, 'one', i)
    const db = new DatabaseSync(file)
    const rows = (table: string) => db.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.rows
    expect(['entries', 'index_entries', 'counters'].map(rows)).toEqual([1, 0, 0])
    db.close()
    await store.close()
  })
})

test('a store in memory works, and a URL of no known form names those that exist', async () => {
  const store = await openOn('sqlite::memory:')
  await store.check()
  await store.close()
  await expect(openDriver('postgres://x', { now: Date.now })).rejects.toThrow('must be sqlite:<file>, redis://')
})

/** The longest time for which the event loop stood still. */
async function longestPause(duration: number): Promise<number> {
  const end = performance.now() + duration
  let longest = 0
  while (performance.now() < end) {
    const before = performance.now()
    await wait(1)
    longest = Math.max(longest, performance.now() - before)
  }
  return longest
}
