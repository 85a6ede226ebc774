/**
 * Appends to this process's chain. A record is created under its number only
 * where that number is free, and number and head are one commit: so a chain
 * can't fork, and a commit whose fate is unknown is met again as a number that
 * is taken, after which the chain goes on from what is stored.
 *
 * Not a queue: one append at a time, which trail.ts sees to.
 */
import { randomUUID } from 'node:crypto'
import { reached } from '../observability/steps.ts'
import { newTaggedId } from '../store/slot.ts'
import { type Store, StoreUnavailable, type Write } from '../store/store.ts'
import { type DueChain, dueChains, settleAnchored } from './anchors.ts'
import {
  CHAINS,
  type ChainEntry,
  type ChainHead,
  chainIndexes,
  emptyChain,
  HEADS,
  link,
  RECORDS,
  readSealed,
  recordId
} from './chain.ts'
import type { AuditRecord, ChainAnchor, ChainEvent } from './event.ts'

export type Entry = Pick<AuditRecord, 'time' | 'source' | 'event'>

interface ChainWriter {
  /** All of the entries or, where it throws, none that the caller may count on. */
  append(entries: Entry[]): Promise<void>
  /** Opens the chain where that has not happened yet. */
  open(): Promise<void>
  /** Lists the chain again where a store that was emptied has forgotten it: what it holds from now on is found, and what is missing too. */
  listAnew(): Promise<void>
  close(): Promise<void>
}

/** How many records, and how long, before a chain looks at the others again. */
const ANCHOR_EVERY_RECORDS = 1000
const ANCHOR_EVERY_MS = 3_600_000
const ATTEMPTS = 4

export function createChainWriter({ store, now }: { store: Store; now: () => number }): ChainWriter {
  let head: ChainHead | undefined
  let entry: ChainEntry | undefined
  let anchorsDue = { sequence: 0, time: 0 }
  /** Where a chain of ours stood that was damaged under our hands: its successor anchors it. */
  let damaged: ChainAnchor[] = []

  const ownEntry = (event: ChainEvent): Entry => ({
    time: new Date(now()).toISOString(),
    source: { requestId: randomUUID(), address: 'keyward' },
    event
  })

  async function commit(from: ChainHead, entries: Entry[], more: Write[] = []): Promise<boolean> {
    let tip = from
    const writes: Write[] = []
    for (const one of entries) {
      const record = link(tip, one)
      writes.push({ kind: RECORDS, id: recordId(record.chain, record.sequence), record, ifAbsent: true })
      const closed = one.event.type === 'audit-chain' && one.event.outcome === 'closed'
      tip = { chain: record.chain, sequence: record.sequence, hash: record.hash, closed }
    }
    writes.push({ kind: HEADS, id: tip.chain, record: tip }, ...more)
    reached('audit:linked')
    if (!(await store.commit(writes))) return false
    reached('audit:written')
    head = tip
    return true
  }

  /** An own event, with which the chain lists itself again as one that others should anchor. */
  async function commitOwn(from: ChainHead, self: ChainEntry, event: ChainEvent): Promise<boolean> {
    const listed: Write<ChainEntry> = { kind: CHAINS, id: self.chain, record: self, indexes: chainIndexes(true) }
    return commit(from, [ownEntry(event)], [listed])
  }

  async function anchored(due: DueChain[]): Promise<void> {
    anchorsDue = { sequence: (head?.sequence ?? 0) + ANCHOR_EVERY_RECORDS, time: now() + ANCHOR_EVERY_MS }
    damaged = []
    await settleAnchored(store, due)
  }

  async function open(): Promise<void> {
    if (head) return
    const chain = newTaggedId()
    const due = await dueChains(store, chain)
    const self: ChainEntry = { chain, openedAt: new Date(now()).toISOString(), anchoredTo: 0 }
    const anchors = [...anchorsOf(due), ...damaged]
    if (!(await commitOwn(emptyChain(chain), self, { type: 'audit-chain', outcome: 'opened', anchors }))) {
      throw new StoreUnavailable('no audit chain could be opened')
    }
    entry = self
    await anchored(due)
  }

  async function anchorOthers(from: ChainHead, self: ChainEntry): Promise<void> {
    const due = await dueChains(store, from.chain)
    const current = await readSealed(store, CHAINS, from.chain)
    const listed = current === undefined || current === 'unreadable' ? self : current
    if (await commitOwn(from, listed, { type: 'audit-chain', outcome: 'anchored', anchors: anchorsOf(due) })) await anchored(due)
  }

  /** After a refused commit: the number is taken, by a commit of ours that seemed lost, or by somebody else. */
  async function resume(from: ChainHead): Promise<void> {
    const stored = await readSealed(store, HEADS, from.chain)
    if (stored !== undefined && stored !== 'unreadable' && stored.sequence > from.sequence) {
      head = stored
      return
    }
    // Records without the head that belongs to them: somebody has been at the store. Say so in a new chain.
    damaged.push({ chain: from.chain, sequence: from.sequence, hash: from.hash })
    head = undefined
  }

  async function append(entries: Entry[]): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      await open()
      if (head && entry && (head.sequence >= anchorsDue.sequence || now() >= anchorsDue.time)) await anchorOthers(head, entry)
      if (!head) continue
      const from = head
      if (await commit(from, entries)) return
      await resume(from)
    }
    throw new StoreUnavailable('the audit chain could not be continued')
  }

  async function close(): Promise<void> {
    if (!head || !entry) return
    await append([ownEntry({ type: 'audit-chain', outcome: 'closed' })])
    // Listed once more, so that the next chain anchors the closing record.
    await store.put(CHAINS, entry.chain, entry, { indexes: chainIndexes(true) })
  }

  async function listAnew(): Promise<void> {
    if (entry) await store.put(CHAINS, entry.chain, entry, { indexes: chainIndexes(true) })
  }

  return { append, open, listAnew, close }
}

function anchorsOf(due: DueChain[]): ChainAnchor[] {
  return due
    .filter(({ entry, head }) => head.sequence > entry.anchoredTo)
    .map(({ head: { chain, sequence, hash } }) => ({ chain, sequence, hash }))
}
