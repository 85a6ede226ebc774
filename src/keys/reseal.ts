/**
 * Seals every record anew that was sealed with another key than the first of the ring, so that the other keys may go.
 * It runs beside servers: a record is replaced only where it still is what was read, so a server's own write wins, and
 * neither content nor expiry nor indexes change.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Place, StoreDriver } from '../store/driver.ts'
import { decodeRecord } from '../store/record.ts'
import { aadOf, type Sealer } from '../store/sealed-store.ts'
import { RecordUnreadable } from '../store/store.ts'

const PAGE = 200
/** So many at once; then as long a rest as they took, and at least this many milliseconds, in which servers have the store. */
const AT_ONCE = 8
const REST = 4
/** After so many turns over the whole store somebody still seals with another key. */
const TURNS = 5

export interface Resealing {
  /** Records that were sealed anew. */
  resealed: number
  /** Records that can't be opened, as `kind/stored id`: changed, moved, or sealed with a key that is not in the ring. */
  unreadable: string[]
  /** Records that servers have sealed with another key since: those that were found in the last turn. */
  left: number
}

interface Deps {
  driver: StoreDriver
  sealer: Sealer
  now: () => number
  onProgress: (seen: number, resealed: number) => void
}

export async function reseal(deps: Deps): Promise<Resealing> {
  const outcome: Resealing = { resealed: 0, unreadable: [], left: 0 }
  // What was written while a turn went over the store may have been missed: the last turn finds nothing to do.
  for (let turn = 0; turn < TURNS; turn += 1) {
    const found = await oneTurn(deps, outcome.resealed)
    outcome.resealed += found.resealed
    outcome.unreadable = [...found.unreadable]
    outcome.left = found.other
    if (found.other === 0) break
  }
  return outcome
}

async function oneTurn({ driver, sealer, now, onProgress }: Deps, before: number) {
  const turn = { seen: 0, other: 0, resealed: 0, unreadable: new Set<string>() }
  let after: string | undefined
  do {
    const page = await driver.everything({ limit: PAGE, ...(after !== undefined && { after }) })
    turn.seen += page.rows.length
    for (let at = 0; at < page.rows.length; at += AT_ONCE) {
      const begun = performance.now()
      const few = page.rows.slice(at, at + AT_ONCE).filter(({ payload }) => sealer.keyIdOf(payload) !== sealer.keyId)
      if (few.length === 0) continue
      const outcomes = await Promise.all(few.map(({ place, payload }) => resealOne({ driver, sealer, now }, place, payload)))
      for (const [i, { place }] of few.entries())
        if (outcomes[i] === 'unreadable') turn.unreadable.add(aadOf(place.kind, place.id))
      turn.other += outcomes.filter((outcome) => outcome !== 'unreadable').length
      turn.resealed += outcomes.filter((outcome) => outcome === 'resealed').length
      await wait(Math.max(REST, performance.now() - begun))
    }
    onProgress(turn.seen, before + turn.resealed)
    after = page.next
  } while (after !== undefined)
  return turn
}

async function resealOne(
  { driver, sealer, now }: Pick<Deps, 'driver' | 'sealer' | 'now'>,
  place: Place,
  payload: Uint8Array
): Promise<'resealed' | 'changed' | 'unreadable'> {
  const aad = aadOf(place.kind, place.id)
  try {
    const plain = sealer.open(payload, aad)
    const { expiresAt, indexes } = decodeRecord(plain)
    const written =
      expiresAt !== undefined && expiresAt <= now()
        ? // It has ended, and would be in the way once its key is gone.
          await driver.commit([{ place, condition: 'absent', payload: undefined }])
        : await driver.commit([
            { place, condition: payload, payload: sealer.seal(plain, aad), expiresAt, indexes, indexed: true }
          ])
    return written ? 'resealed' : 'changed'
  } catch (problem) {
    if (problem instanceof RecordUnreadable) return 'unreadable'
    throw problem
  }
}
