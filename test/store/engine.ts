/** What the contract needs of an engine beside its driver: a view of the raw bytes. */
import { randomBytes, randomUUID } from 'node:crypto'
import { createSealer } from '../../src/keys/sealing.ts'
import type { StoreDriver } from '../../src/store/driver.ts'
import { openDriver } from '../../src/store/open-store.ts'
import { createStore } from '../../src/store/sealed-store.ts'
import type { Kind, Store } from '../../src/store/store.ts'

export interface Engine {
  /** Every URL opens the same data. */
  url: string
  /** Copies the bytes of one record of the kind over those of another. */
  copyOneOverAnother(kind: string): Promise<void>
  /** Everything that lies in the engine, as it lies there. */
  everything(): Promise<string>
  stop(): Promise<void>
}

/** One key for all stores of a run; a second process is given it in hexadecimal. */
export const sealingKey = randomBytes(32)
export const lookupKey = randomBytes(32)

export interface Clock {
  now: () => number
  move(milliseconds: number): void
}

export function movableClock(): Clock {
  let moved = 0
  return {
    now: () => Date.now() + moved,
    move: (milliseconds) => {
      moved += milliseconds
    }
  }
}

export async function openOn(url: string, now: () => number = Date.now, wrap = (driver: StoreDriver) => driver): Promise<Store> {
  const driver = await openDriver(url, { now })
  return createStore({ driver: wrap(driver), sealer: createSealer([{ id: 1, key: sealingKey }]), lookupKey, now })
}

/** A kind of its own for each test, so that tests can share an engine. */
export function newKind<T>(options: { guessable?: true } = {}): Kind<T> {
  return { name: `test-${randomUUID()}`, ...options }
}

export const newId = () => randomBytes(16).toString('base64url')
