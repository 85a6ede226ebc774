/**
 * The audit trail of this process: one hash chain. `record` resolves once the
 * event is stored, and what it vouches for may leave only then; where it
 * rejects, nothing may. Events that arrive while a write is on its way go
 * together into the next one, so that the store's round trip bounds the wait
 * and not the throughput.
 */
import { type Store, StoreUnavailable } from '../store/store.ts'
import { canonicalJson } from './canonical-json.ts'
import { createChainWriter, type Entry } from './chain-writer.ts'
import type { AuditEvent, AuditSource } from './event.ts'

export interface AuditTrail {
  /** Rejects with StoreUnavailable where the event could not be written, or nobody knows whether it was. */
  record(source: AuditSource, event: AuditEvent): Promise<void>
  /** Where the store was emptied: what is recorded from then on can be found all the same. */
  listAnew(): Promise<void>
  /** Writes what is waiting and the closing record; after it, `record` rejects. */
  close(): Promise<void>
}

interface Waiting {
  entry: Entry
  written: PromiseWithResolvers<void>
}

const MOST_PER_COMMIT = 128

export async function openAuditTrail({ store, now }: { store: Store; now: () => number }): Promise<AuditTrail> {
  const chain = createChainWriter({ store, now })
  let waiting: Waiting[] = []
  let writing: Promise<void> | undefined
  let closed = false

  async function writeWaiting(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MOST_PER_COMMIT)
      waiting = waiting.slice(MOST_PER_COMMIT)
      try {
        await chain.append(batch.map(({ entry }) => entry))
        for (const { written } of batch) written.resolve()
      } catch (error) {
        for (const { written } of batch) written.reject(unavailable(error))
      }
    }
    writing = undefined
  }

  async function record(source: AuditSource, event: AuditEvent): Promise<void> {
    if (closed) throw new StoreUnavailable('the audit trail is closed')
    const { requestId, address } = source
    // What can't be hashed is refused here, alone, not with the batch it would be in. And it is a copy, whatever becomes of the event.
    const text = canonicalJson({ time: new Date(now()).toISOString(), source: { requestId, address }, event })
    const entry: Entry = JSON.parse(text)
    const written = Promise.withResolvers<void>()
    waiting.push({ entry, written })
    writing ??= writeWaiting()
    return written.promise
  }

  async function close(): Promise<void> {
    if (closed) return
    closed = true
    await writing
    await chain.close()
  }

  // A store that is away must not keep the process from starting: the first event opens the chain then.
  await chain.open().catch((error: unknown) => {
    if (!(error instanceof StoreUnavailable)) throw error
  })
  return { record, listAnew: chain.listAnew, close }
}

function unavailable(error: unknown): StoreUnavailable {
  return error instanceof StoreUnavailable
    ? error
    : new StoreUnavailable('the audit trail could not be written', { cause: error })
}
