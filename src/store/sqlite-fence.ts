/**
 * The mark in a store file: which file it is, by what its file system says of it. A file that was restored or copied is another
 * than the one that it says it is; a new one says nothing. One that was overwritten in place can't be told apart.
 */
import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { createFence, firstNotBefore, nextSecond, type StoreFence } from './fence.ts'

/** Beside the schema, so that releases without a fence open the file too. */
const TABLE = `CREATE TABLE IF NOT EXISTS fence (id INTEGER PRIMARY KEY CHECK (id = 1), file TEXT NOT NULL, not_before REAL NOT NULL) STRICT`

/** In the transaction that prepares the file. */
export function lookAtFile(db: DatabaseSync, path: string, now: () => number): StoreFence {
  const fence = createFence()
  db.exec(TABLE)
  const file = identityOf(path)
  const mark = db.prepare('SELECT file, not_before FROM fence').get()
  if (mark?.file === file) {
    fence.raise(Number(mark.not_before))
    return fence
  }
  const notBefore = mark ? Math.max(nextSecond(now()), Number(mark.not_before)) : firstNotBefore(now())
  db.prepare('INSERT OR REPLACE INTO fence (id, file, not_before) VALUES (1, ?, ?)').run(file, notBefore)
  fence.raise(notBefore, { why: mark ? 'other-server' : 'new', server: '', notBefore })
  return fence
}

/** Its number, which may be given again once it is free, and when it was made. Not its device: that changes with a reboot. */
function identityOf(path: string): string {
  if (path === ':memory:') return path
  const { ino, birthtimeNs } = statSync(path, { bigint: true })
  return `${ino}:${birthtimeNs}`
}
