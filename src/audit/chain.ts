/**
 * What a chain consists of in the store: its records, its head (where it
 * stands now) and its entry in the list of chains. All of it lies in the slot
 * of the chain's id, so that records and head are written together or not at
 * all. None of it ever expires.
 */
import { hash } from 'node:crypto'
import { type Kind, RecordUnreadable, type Store } from '../store/store.ts'
import { canonicalJson } from './canonical-json.ts'
import type { AuditRecord, ChainAnchor } from './event.ts'

export const RECORDS: Kind<AuditRecord> = { name: 'audit-record' }
export const HEADS: Kind<ChainHead> = { name: 'audit-head' }
export const CHAINS: Kind<ChainEntry> = { name: 'audit-chain' }

/** The last record of a chain. */
export interface ChainHead extends ChainAnchor {
  closed: boolean
}

/** That a chain exists. Found under `all: chains`, and under `anchor: due` while another chain should still anchor it. */
export interface ChainEntry {
  chain: string
  /** ISO 8601, UTC. */
  openedAt: string
  /** Up to which record another chain has anchored this one. */
  anchoredTo: number
}

export function chainIndexes(due: boolean): Record<string, string> {
  return due ? { all: 'chains', anchor: 'due' } : { all: 'chains' }
}

export function recordId(chain: string, sequence: number): string {
  return `${chain}.${sequence}`
}

/** The head of a chain that has no record yet. */
export function emptyChain(chain: string): ChainHead {
  return { chain, sequence: 0, hash: '0'.repeat(64), closed: false }
}

/** The record that follows `head`. */
export function link(head: ChainHead, members: Pick<AuditRecord, 'time' | 'source' | 'event'>): AuditRecord {
  const { time, source, event } = members
  const record = { chain: head.chain, sequence: head.sequence + 1, time, source, event, previousHash: head.hash }
  return { ...record, hash: hashOf(record) }
}

/** SHA-256 over the canonical JSON of all members but `hash` itself, hex. */
export function hashOf(record: Omit<AuditRecord, 'hash'> & { hash?: string }): string {
  return hash('sha256', canonicalJson({ ...record, hash: undefined }))
}

/** Every chain that is listed, oldest first, and how many entries of the list can't be opened. */
export async function listChains(store: Store): Promise<{ chains: string[]; unreadable: number }> {
  const entries: ChainEntry[] = []
  let unreadable = 0
  let after: string | undefined
  do {
    const page = await store.list(CHAINS, { name: 'all', value: 'chains' }, { limit: 200, ...(after !== undefined && { after }) })
    entries.push(...page.records)
    unreadable += page.unreadable
    after = page.next
  } while (after !== undefined)
  entries.sort((a, b) => (a.openedAt + a.chain < b.openedAt + b.chain ? -1 : 1))
  return { chains: entries.map(({ chain }) => chain), unreadable }
}

/** The record's content; a record that can't be opened is 'unreadable', not an error: finding it is what the reader is for. */
export async function readSealed<T>(store: Store, kind: Kind<T>, id: string): Promise<T | 'unreadable' | undefined> {
  try {
    return await store.get(kind, id)
  } catch (error) {
    if (error instanceof RecordUnreadable) return 'unreadable'
    throw error
  }
}
