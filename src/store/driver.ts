/**
 * What a storage engine must do for sealed-store.ts. A driver deals in bytes:
 * it never sees an id that someone could use, nor what a record says. All that
 * must hold between two processes (single use, compare-and-set) is decided in
 * `commit` and `increment`, inside the engine.
 */

import type { StoreFence } from './fence.ts'

/** Where a record lies. Every place with the same tag is in one slot. */
export interface Place {
  kind: string
  tag: string
  /** The hash of the id. */
  id: string
}

/** An index's name and the keyed hash of its value. */
export interface IndexEntry {
  name: string
  value: string
}

/** What must be true of the place for a write to happen: nothing, no live record there, or exactly these bytes. */
export type Condition = 'none' | 'absent' | Uint8Array

export type DriverWrite = { place: Place; condition: Condition } & (
  | {
      payload: Uint8Array
      expiresAt: number | undefined
      indexes: IndexEntry[]
      /** The record is listed under these indexes already: they need not be written. */
      indexed?: true
    }
  | { payload: undefined }
)

export interface Row {
  id: string
  payload: Uint8Array
}

export interface RowPage {
  rows: Row[]
  next?: string
}

export interface PlacedPage {
  rows: { place: Place; payload: Uint8Array }[]
  next?: string
}

/**
 * Every method throws StoreUnavailable where the engine can't be reached or
 * does not answer. An expired row may still be returned (the sealed record
 * says when it ends), but never stands in the way of `absent`.
 */
export interface StoreDriver {
  readonly name: string
  readonly fence: StoreFence
  get(place: Place): Promise<Uint8Array | undefined>
  /** All or none, in one slot. False where a condition does not hold. */
  commit(writes: DriverWrite[]): Promise<boolean>
  /** May return a row whose index value has changed since, and pages shorter than the limit. */
  list(kind: string, entry: IndexEntry, page: { after?: string; limit: number }): Promise<RowPage>
  walk(kind: string, page: { after?: string; limit: number }): Promise<RowPage>
  /** Every record of every kind, expired ones that have not gone yet included; counters are none. One may come twice. */
  everything(page: { after?: string; limit: number }): Promise<PlacedPage>
  increment(place: Place, lifetime: number, most?: number): Promise<number>
  decrement(place: Place): Promise<void>
  count(place: Place): Promise<number>
  /** Writes and reads. */
  check(): Promise<void>
  /** What in the engine's own settings may lose records, in sentences for the operator. */
  unsafeSettings(): Promise<string[]>
  /** What will keep it from writing before long, in sentences for the operator. */
  shortages(): Promise<string[]>
  close(): Promise<void>
}
