/**
 * What lies inside a seal: a version byte, then when the record ends, its indexes and itself (compact.ts). Version 1 was JSON
 * instead, and is read still. A release reads what the one before it wrote, and the other way round, since the two run side
 * by side during an upgrade: a new version is read by one release before another writes it.
 */
import { CompactReader, CompactWriter } from './compact.ts'
import type { IndexEntry } from './driver.ts'
import { RecordUnreadable } from './store.ts'

const JSON_VERSION = 1
const VERSION = 2

export interface SealedRecord {
  record: unknown
  expiresAt: number | undefined
  indexes: IndexEntry[]
}

export function encodeRecord({ record, expiresAt, indexes }: SealedRecord): Uint8Array {
  const entries = indexes.flatMap(({ name, value }) => [name, value])
  return new CompactWriter(VERSION).write(expiresAt).write(entries).write(record).take()
}

export function decodeRecord(plain: Uint8Array): SealedRecord {
  if (plain[0] === JSON_VERSION) return decodeJson(plain)
  if (plain[0] !== VERSION) throw new RecordUnreadable(`a record of version ${plain[0]}, which this release does not know`)
  const reader = new CompactReader(plain, 1)
  const expiresAt = reader.read()
  const entries = reader.read()
  const indexes: IndexEntry[] = []
  if (Array.isArray(entries)) {
    for (let i = 0; i < entries.length; i += 2) indexes.push({ name: String(entries[i]), value: String(entries[i + 1]) })
  }
  return { record: reader.read(), expiresAt: typeof expiresAt === 'number' ? expiresAt : undefined, indexes }
}

function decodeJson(plain: Uint8Array): SealedRecord {
  // The seal was just checked: these bytes are what encodeRecord made.
  const body = JSON.parse(Buffer.from(plain.buffer, plain.byteOffset + 1, plain.length - 1).toString()) as {
    e?: number
    i: [string, string][]
    r: unknown
  }
  return { record: body.r, expiresAt: body.e, indexes: body.i.map(([name, value]) => ({ name, value })) }
}
