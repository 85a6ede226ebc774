/**
 * The embedded driver: one SQLite file, durable (WAL, synchronous=FULL), used by any number of
 * processes of one machine. node:sqlite works synchronously, and would stop the whole process while it waits for
 * another one's lock: so it never waits, and the wait for the lock is an awaited one, here.
 */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { reached } from '../observability/steps.ts'
import type { DriverWrite, Place, Row, StoreDriver } from './driver.ts'
import type { StoreFence } from './fence.ts'
import { lookAtFile } from './sqlite-fence.ts'
import { StoreUnavailable } from './store.ts'

const SCHEMA_VERSION = 1
const SCHEMA = `
  CREATE TABLE entries (
    kind TEXT NOT NULL, id TEXT NOT NULL, payload BLOB NOT NULL, expires_at REAL,
    PRIMARY KEY (kind, id)
  ) STRICT;
  CREATE INDEX entries_by_expiry ON entries (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE index_entries (
    kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (kind, name, value, id),
    FOREIGN KEY (kind, id) REFERENCES entries (kind, id) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX index_entries_by_record ON index_entries (kind, id);
  CREATE TABLE counters (
    kind TEXT NOT NULL, id TEXT NOT NULL, value INTEGER NOT NULL, expires_at REAL NOT NULL,
    PRIMARY KEY (kind, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX counters_by_expiry ON counters (expires_at);
  CREATE TABLE checks (id INTEGER PRIMARY KEY, at REAL NOT NULL) STRICT;
`

/** How long to wait for other processes' writes, and between two tries, in milliseconds. */
const LOCK_PATIENCE = 1000
const LOCK_PAUSE = 2

/**
 * Every so many writes expired rows go, in small rounds, until none is left, the rounds are over or the time is, in
 * milliseconds: how long it takes to remove a row depends on the size of the store and on the disk.
 */
const TRIM_EVERY = 4
const TRIM_ROWS = 4
const TRIM_ROUNDS = 8
const TRIM_PATIENCE = 1

/** After so many pages the log is copied into the file, within a write: SQLite's own 1,000 take 5 ms and more. */
const CHECKPOINT_PAGES = 200

/** Opens, and makes where it is missing, the file at `path`; ':memory:' keeps everything in memory. */
export async function openSqlite(path: string, now: () => number): Promise<StoreDriver> {
  let db: DatabaseSync
  let fence: StoreFence
  try {
    db = openFile(path)
    if (path !== ':memory:') await patiently(() => checkPages(db))
    fence = await patiently(() => prepareSchema(db, () => lookAtFile(db, path, now)))
    // What is issued from now on must not look older than the fence.
    const early = fence.notBefore() - now()
    if (early > 0) await wait(Math.min(early, 1000) + LOCK_PAUSE)
  } catch (cause) {
    throw new Error(`the store ${path} can't be opened: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
  return sqliteDriver(db, now, fence)
}

function openFile(path: string): DatabaseSync {
  if (path !== ':memory:') {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // Made here for its mode, which SQLite gives to the files beside it too.
    closeSync(openSync(path, 'a', 0o600))
  }
  return new DatabaseSync(path, { timeout: 0, enableForeignKeyConstraints: true })
}

/** A damaged file is better not served from: what is missing in it would look as if it had never been. */
function checkPages(db: DatabaseSync): void {
  const [first] = db.prepare('PRAGMA quick_check(1)').all()
  const verdict = String(first?.quick_check)
  if (verdict !== 'ok') throw new Error(`it is damaged (${verdict.replaceAll(/\s+/g, ' ')}): restore a backup`)
}

/** With what is to be done in the same step. */
function prepareSchema<T>(db: DatabaseSync, then: () => T): T {
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  return transaction(db, () => {
    const version = db.prepare('PRAGMA user_version').get()?.user_version
    if (version !== SCHEMA_VERSION && version !== 0)
      throw new Error(`it has schema version ${version}, and this release knows ${SCHEMA_VERSION}`)
    if (version === 0) db.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}`)
    return then()
  })
}

function sqliteDriver(db: DatabaseSync, now: () => number, fence: StoreFence): StoreDriver {
  const live = '(expires_at IS NULL OR expires_at > ?)'
  const sql = {
    get: db.prepare('SELECT payload FROM entries WHERE kind = ? AND id = ?'),
    live: db.prepare(`SELECT payload FROM entries WHERE kind = ? AND id = ? AND ${live}`),
    put: db.prepare(`INSERT INTO entries (kind, id, payload, expires_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (kind, id) DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at`),
    unindex: db.prepare('DELETE FROM index_entries WHERE kind = ? AND id = ?'),
    index: db.prepare('INSERT INTO index_entries (kind, name, value, id) VALUES (?, ?, ?, ?)'),
    remove: db.prepare('DELETE FROM entries WHERE kind = ? AND id = ?'),
    reset: db.prepare('DELETE FROM counters WHERE kind = ? AND id = ?'),
    list: db.prepare(`SELECT id, payload FROM index_entries JOIN entries USING (kind, id)
      WHERE kind = ? AND name = ? AND value = ? AND id > ? AND ${live} ORDER BY id LIMIT ?`),
    walk: db.prepare(`SELECT id, payload FROM entries WHERE kind = ? AND id > ? AND ${live} ORDER BY id LIMIT ?`),
    everything: db.prepare('SELECT kind, id, payload FROM entries WHERE (kind, id) > (?, ?) ORDER BY kind, id LIMIT ?'),
    increment: db.prepare(`INSERT INTO counters (kind, id, value, expires_at) VALUES ($kind, $id, 1, $end)
      ON CONFLICT (kind, id) DO UPDATE SET
        value = CASE WHEN expires_at > $now THEN value + 1 ELSE 1 END,
        expires_at = CASE WHEN expires_at > $now THEN expires_at ELSE $end END
      RETURNING value`),
    decrement: db.prepare('UPDATE counters SET value = max(0, value - 1) WHERE kind = ? AND id = ? AND expires_at > ?'),
    count: db.prepare('SELECT value FROM counters WHERE kind = ? AND id = ? AND expires_at > ?'),
    check: db.prepare('INSERT INTO checks (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at RETURNING at'),
    trimEntries: db.prepare('DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries WHERE expires_at <= ? LIMIT ?)'),
    trimCounters: db.prepare(`DELETE FROM counters WHERE (kind, id) IN
      (SELECT kind, id FROM counters WHERE expires_at <= ? LIMIT ?)`)
  }
  let writesUntilTrim = TRIM_EVERY

  function holds({ place, condition }: DriverWrite): boolean {
    if (condition === 'none') return true
    const payload = sql.live.get(place.kind, place.id, now())?.payload
    if (condition === 'absent') return payload === undefined
    return payload instanceof Uint8Array && Buffer.compare(payload, condition) === 0
  }

  function apply({ place: { kind, id }, ...write }: DriverWrite) {
    if (!write.payload) {
      sql.remove.run(kind, id)
      sql.reset.run(kind, id)
      return
    }
    sql.put.run(kind, id, write.payload, write.expiresAt ?? null)
    if (write.indexed) return
    sql.unindex.run(kind, id)
    for (const { name, value } of write.indexes) sql.index.run(kind, name, value, id)
  }

  function trimNowAndThen() {
    writesUntilTrim -= 1
    if (writesUntilTrim > 0) return
    writesUntilTrim = TRIM_EVERY
    const deadline = performance.now() + TRIM_PATIENCE
    const expired = now()
    for (let rounds = TRIM_ROUNDS; rounds > 0 && performance.now() < deadline; rounds -= 1) {
      const removed = [sql.trimEntries, sql.trimCounters].map((trim) => Number(trim.run(expired, TRIM_ROWS).changes))
      if (removed.every((rows) => rows === 0)) return
    }
  }

  return {
    name: 'sqlite',
    fence,
    get: ({ kind, id }) => patiently(() => bytes(sql.get.get(kind, id)?.payload)),

    commit: (writes) =>
      patiently(() =>
        transaction(db, () => {
          if (!writes.every(holds)) return false
          for (const write of writes) apply(write)
          reached('sqlite:changed')
          trimNowAndThen()
          return true
        })
      ),

    list: (kind, { name, value }, { after = '', limit }) =>
      patiently(() => pageOf(sql.list.all(kind, name, value, after, now(), limit).map(rowOf), limit)),

    walk: (kind, { after = '', limit }) => patiently(() => pageOf(sql.walk.all(kind, after, now(), limit).map(rowOf), limit)),

    everything: ({ after = ' ', limit }) =>
      patiently(() => {
        const [afterKind = '', afterId = ''] = after.split(' ')
        const found = sql.everything.all(afterKind, afterId, limit)
        const rows = found.map((row) => ({
          place: { kind: String(row.kind), tag: '', id: String(row.id) },
          payload: rowOf(row).payload
        }))
        const last = rows.length === limit ? rows.at(-1)?.place : undefined
        return last ? { rows, next: `${last.kind} ${last.id}` } : { rows }
      }),

    increment: ({ kind, id }: Place, lifetime, most = Number.POSITIVE_INFINITY) =>
      patiently(() =>
        transaction(db, () => {
          const counted = Number(sql.count.get(kind, id, now())?.value ?? 0)
          if (counted >= most) return counted + 1
          trimNowAndThen()
          return Number(sql.increment.get({ kind, id, now: now(), end: now() + lifetime })?.value)
        })
      ),

    async decrement({ kind, id }) {
      await patiently(() => transaction(db, () => sql.decrement.run(kind, id, now())))
    },

    count: ({ kind, id }) => patiently(() => Number(sql.count.get(kind, id, now())?.value ?? 0)),

    async check() {
      await patiently(() => transaction(db, () => sql.check.get(now()) !== undefined))
    },

    unsafeSettings: async () => [],
    shortages: async () => [],

    async close() {
      if (db.isOpen) db.close()
    }
  }
}

const bytes = (value: unknown) => (value instanceof Uint8Array ? value : undefined)

function rowOf(row: Record<string, unknown>): Row {
  return { id: String(row.id), payload: bytes(row.payload) ?? new Uint8Array() }
}

function pageOf(rows: Row[], limit: number) {
  const last = rows.length === limit ? rows.at(-1) : undefined
  return last ? { rows, next: last.id } : { rows }
}

/** `work` sees and changes the file alone. What returns false is rolled back. */
function transaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec(result === false ? 'ROLLBACK' : 'COMMIT')
    return result
  } catch (problem) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw problem
  }
}

async function patiently<T>(work: () => T): Promise<T> {
  const deadline = performance.now() + LOCK_PATIENCE
  for (;;) {
    try {
      return work()
    } catch (cause) {
      if (!isLocked(cause)) throw isEngineFault(cause) ? new StoreUnavailable('the store file failed', { cause }) : cause
      if (performance.now() > deadline) throw new StoreUnavailable('the store file stays locked by another process', { cause })
    }
    await wait(LOCK_PAUSE)
  }
}

/** SQLITE_BUSY and SQLITE_LOCKED, in all their extended forms. */
function isLocked(problem: unknown): boolean {
  if (!(problem instanceof Error) || !('errcode' in problem) || typeof problem.errcode !== 'number') return false
  const primary = problem.errcode & 0xff
  return primary === 5 || primary === 6
}

function isEngineFault(problem: unknown): boolean {
  return problem instanceof Error && 'code' in problem && ['ERR_SQLITE_ERROR', 'ERR_INVALID_STATE'].includes(String(problem.code))
}
