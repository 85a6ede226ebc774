/** Reads the trail: for export, and for verify.ts. Judges nothing. */
import type { Store } from '../store/store.ts'
import { HEADS, listChains, RECORDS, readSealed, recordId } from './chain.ts'
import type { AuditRecord } from './event.ts'

/** What is stored under one number of a chain. */
export interface Place {
  chain: string
  sequence: number
  record: AuditRecord | 'unreadable' | undefined
}

const READ_AT_ONCE = 64

/** The places 1 to `last` of a chain, in order. */
export async function* readChain(store: Store, chain: string, last: number): AsyncGenerator<Place> {
  for (let first = 1; first <= last; first += READ_AT_ONCE) {
    const sequences = Array.from({ length: Math.min(READ_AT_ONCE, last - first + 1) }, (_, index) => first + index)
    const records = await Promise.all(sequences.map((sequence) => readSealed(store, RECORDS, recordId(chain, sequence))))
    for (const [index, record] of records.entries()) yield { chain, sequence: first + index, record }
  }
}

/**
 * Every record that can be read, chain by chain, the oldest chain first. What
 * is missing or unreadable is told to `onGap`; verify.ts says more about it.
 */
export async function* readAudit(
  store: Store,
  onGap: (chain: string, sequence: number) => void = () => {}
): AsyncGenerator<AuditRecord> {
  for (const chain of (await listChains(store)).chains) {
    const head = await readSealed(store, HEADS, chain)
    if (head === undefined || head === 'unreadable') {
      onGap(chain, 1)
      continue
    }
    for await (const { sequence, record } of readChain(store, chain, head.sequence)) {
      if (record === undefined || record === 'unreadable') onGap(chain, sequence)
      else yield record
    }
  }
}

/** JSON leaves these as they are; a terminal or a log reader would take them for line ends, escapes or a turn of the writing direction. */
const UNPRINTABLE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** One line of an export: JSON that reads back as the same record. */
export function exportLine(record: AuditRecord): string {
  return JSON.stringify(record).replace(UNPRINTABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
