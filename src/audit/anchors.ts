/**
 * Which chains a chain should anchor, and the book-keeping after it has. A
 * chain that is closed, or has not moved since it was last anchored, leaves
 * the list of those that are due, so that opening a chain stays cheap after
 * years of restarts.
 */
import type { Store } from '../store/store.ts'
import { CHAINS, type ChainEntry, type ChainHead, chainIndexes, HEADS, readSealed } from './chain.ts'

/** A record stays small: what is over is anchored by the next one. */
const MOST_ANCHORS = 200

export interface DueChain {
  entry: ChainEntry
  head: ChainHead
}

export async function dueChains(store: Store, except: string): Promise<DueChain[]> {
  const { records } = await store.list(CHAINS, { name: 'anchor', value: 'due' }, { limit: MOST_ANCHORS })
  const due: DueChain[] = []
  for (const entry of records) {
    if (entry.chain === except) continue
    const head = await readSealed(store, HEADS, entry.chain)
    // A head that is gone or unreadable is for verify to report: it must not keep a new chain from opening.
    if (head !== undefined && head !== 'unreadable') due.push({ entry, head })
  }
  return due
}

/** To be called once the anchors are written. */
export async function settleAnchored(store: Store, anchored: DueChain[]): Promise<void> {
  for (const { entry, head } of anchored) {
    const stillDue = !head.closed && head.sequence > entry.anchoredTo
    await store.put(CHAINS, entry.chain, { ...entry, anchoredTo: head.sequence }, { indexes: chainIndexes(stillDue) })
  }
}
