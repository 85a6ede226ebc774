/**
 * What lies inside a seal: a version byte, then JSON. Version N must read what
 * N-1 wrote, and the other way round, since two versions of the server run side by side during an upgrade.
 */
import type { IndexEntry } from './driver.ts'
import { RecordUnreadable } from './store.ts'

const VERSION = 1

export interface SealedRecord {
  record: unknown
  expiresAt: number | undefined
  indexes: IndexEntry[]
}

export function encodeRecord({ record, expiresAt, indexes }: SealedRecord): Uint8Array {
  const body = { e: expiresAt, i: indexes.map(({ name, value }) => [name, value]), r: record }
  return Buffer.concat([Uint8Array.of(VERSION), Buffer.from(JSON.stringify(body))])
}

export function decodeRecord(plain: Uint8Array): SealedRecord {
  if (plain[0] !== VERSION) throw new RecordUnreadable(`a record of version ${plain[0]}, which this release does not know`)
  // The seal was just checked: these bytes are what encodeRecord made.
  const body = JSON.parse(Buffer.from(plain.buffer, plain.byteOffset + 1, plain.length - 1).toString()) as {
    e?: number
    i: [string, string][]
    r: unknown
  }
  return { record: body.r, expiresAt: body.e, indexes: body.i.map(([name, value]) => ({ name, value })) }
}
