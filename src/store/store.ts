/**
 * The storage port. What a record means is its owner's business; what is
 * promised here holds for every driver, and test/store/contract.ts has a test
 * for each promise. Ids are hashed and payloads sealed below this interface,
 * in sealed-store.ts, so that no driver ever sees either.
 */

/** Names a family of records and gives them their type. */
export interface Kind<T> {
  readonly name: string
  /** Ids that a person could guess (a user name, an address) are stored under a keyed hash. */
  readonly guessable?: true
  /** Never read: it ties T to the kind. */
  readonly record?: T
}

/** What a record looked like when it was read: opaque, compared by the driver. */
export type Version = Uint8Array

export interface PutOptions {
  /** Epoch milliseconds. From then on the record is absent. Without it, the record stays. */
  expiresAt?: number
  /** Names and values under which `list` finds the record. Values are hashed like ids. */
  indexes?: Record<string, string>
}

/** One change of a commit. `ifVersion` and `ifAbsent` are what must still be true. */
export type Write<T = unknown> =
  | ({ kind: Kind<T>; id: string; record: T; ifVersion?: Version; ifAbsent?: true } & PutOptions)
  | { kind: Kind<T>; id: string; remove: true; ifVersion?: Version }

/** A page may hold fewer records than its limit, even none, while there is more. */
export interface Page<T> {
  records: T[]
  /** How many were left out because they can't be opened. They are no use to anyone, and must not hide the others. */
  unreadable: number
  /** Hand it to the next call as `after`; undefined: there is no more. */
  next?: string
}

export interface Store {
  /** 'sqlite', 'redis' or 'redis-cluster': what /readyz names. */
  readonly driver: string
  get<T>(kind: Kind<T>, id: string): Promise<T | undefined>
  /** Like get, with the version that a conditional write names. */
  read<T>(kind: Kind<T>, id: string): Promise<{ record: T; version: Version } | undefined>
  /**
   * Like read, as up to date, and cheaper for what is read again and again: the record is frozen, all of it, and others may
   * hold the same one.
   */
  view<T>(kind: Kind<T>, id: string): Promise<{ record: Readonly<T>; version: Version } | undefined>
  put<T>(kind: Kind<T>, id: string, record: T, options?: PutOptions): Promise<void>
  /** False, and nothing written, where the record exists already: replay markers, unique names. */
  create<T>(kind: Kind<T>, id: string, record: T, options?: PutOptions): Promise<boolean>
  /**
   * Atomic: of two callers at once, on any replica, the second sees what the
   * first wrote. Keeps expiry and indexes. `change` may run more than once; where it
   * returns undefined nothing is written. Undefined: absent, or left alone by `change`.
   */
  update<T>(kind: Kind<T>, id: string, change: (current: T) => T | undefined): Promise<T | undefined>
  delete<T>(kind: Kind<T>, id: string): Promise<void>
  /**
   * All of the writes or none: false where a condition no longer holds. Every
   * id must lie in one slot (slot.ts), else it throws.
   */
  commit(writes: Write[]): Promise<boolean>
  list<T>(kind: Kind<T>, index: { name: string; value: string }, page: { after?: string; limit: number }): Promise<Page<T>>
  /**
   * Adds one to a counter that starts its life of `lifetime` milliseconds with the first call; returns the new count.
   * With `most` it is never more than that: where it would be, nothing is added, and more than `most` returned.
   */
  increment(kind: Kind<number>, id: string, lifetime: number, most?: number): Promise<number>
  /** Takes one off a counter that is there, never below 0, and leaves the end of its life as it is. */
  decrement(kind: Kind<number>, id: string): Promise<void>
  /** The counter's value, 0 where there is none. `delete` resets it. */
  count(kind: Kind<number>, id: string): Promise<number>
  /** Every record of a kind, page by page: maintenance only (re-sealing, export, copy). */
  walk<T>(kind: Kind<T>, page: { after?: string; limit: number }): Promise<Page<T>>
  /** Resolves where the store answers a write and a read now. */
  check(): Promise<void>
  close(): Promise<void>
}

/** The store can't be reached or did not answer in time; whether a write happened is unknown. Becomes 503. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
}

/** A record can't be opened: changed, moved, or sealed with a key that is not in the ring. */
export class RecordUnreadable extends Error {
  override readonly name = 'RecordUnreadable'
}
