/**
 * The inside of a seal as a release before the present one writes it: record version 1, JSON, and reading both. It takes
 * the place of src/store/record.ts in a Keyward under test (older-records.ts).
 */
import { decodeRecord as decode, type SealedRecord } from '../../src/store/record.ts'

export const decodeRecord = decode

const VERSION = 1

const written = { records: 0 }

export function recordsWritten(): number {
  return written.records
}

export function encodeRecord({ record, expiresAt, indexes }: SealedRecord): Uint8Array {
  written.records += 1
  const body = { e: expiresAt, i: indexes.map(({ name, value }) => [name, value]), r: record }
  return Buffer.concat([Uint8Array.of(VERSION), Buffer.from(JSON.stringify(body))])
}
