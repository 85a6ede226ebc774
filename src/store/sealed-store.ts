/**
 * The store, over any driver: hashes ids and index values, seals records,
 * and knows when a record has ended. Which writes win a race is the driver's business.
 *
 * A stored id is a hash of kind and id: one-shot SHA-256, since ids are random,
 * and a keyed hash for the kinds whose ids a person could guess. A record is sealed to its kind
 * and stored id, so that a row copied over another does not open. Its expiry and indexes lie inside the
 * seal and decide; what the driver knows of them serves finding and collecting only.
 */
import { createHmac, createSecretKey, hash, randomInt } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { DriverWrite, IndexEntry, Place, RowPage, StoreDriver } from './driver.ts'
import { createOpenedRecords } from './opened-records.ts'
import { decodeRecord, encodeRecord, type SealedRecord } from './record.ts'
import { tagOf } from './slot.ts'
import { type Kind, type Page, type PutOptions, RecordUnreadable, type Store, StoreUnavailable, type Write } from './store.ts'

/** Seals bytes to the place where they lie. Made in keys/sealing.ts. */
export interface Sealer {
  seal(plain: Uint8Array, aad: string): Uint8Array
  /** Throws RecordUnreadable where these bytes were not sealed with this `aad` by a key in the ring. */
  open(sealed: Uint8Array, aad: string): Uint8Array
  /** Names the key that seals now. */
  readonly keyId: number
  /** Names the key that sealed these bytes, as they say themselves; undefined where they are no envelope. */
  keyIdOf(sealed: Uint8Array): number | undefined
}

interface Deps {
  driver: StoreDriver
  sealer: Sealer
  /** Keys the hashes of guessable ids. It can never change. */
  lookupKey: Uint8Array
  now: () => number
  /** Told of each record that `list` or `walk` leaves out. */
  onUnreadable?: (kind: string, problem: RecordUnreadable) => void
  /** So many sealed bytes of records that `view` has opened are kept beside what they hold. */
  keptOpen?: number
}

/** For how long `update` tries again while others win, in milliseconds. */
const UPDATE_PATIENCE = 5000

/** So often a commit is tried anew because what it depends on was only sealed with another key meanwhile. */
const RESEALED_AT_MOST = 3

/** Some 80,000 records, with what they hold about 140 MB of memory where all of it is used. */
const KEPT_OPEN = 32 * 1024 * 1024

/** So many places of guessable ids are kept: some megabytes. */
const MOST_PLACES = 20_000

const KIND_NAME = /^[\w-]+$/

/** What a record is sealed to. */
export const aadOf = (kind: string, storedId: string) => `${kind}/${storedId}`

export function createStore({ driver, sealer, lookupKey, now, onUnreadable, keptOpen = KEPT_OPEN }: Deps): Store {
  const opened = createOpenedRecords(keptOpen)
  // Made once: bytes are made into a key at each use, at many times the cost of the hash.
  const hashKey = createSecretKey(lookupKey)
  const keyed = (text: string) => createHmac('sha256', hashKey).update(text).digest('base64url')

  // A keyed hash costs more than all else that finds a record, and the same few are asked for again and again.
  const keyedPlaces = new Map<string, Place>()

  function keyedPlaceOf(kind: Kind<unknown>, id: string): Place {
    const name = `id\0${kind.name}\0${id}`
    const known = keyedPlaces.get(name)
    if (known) return known
    const stored = keyed(name)
    // Never the id's own first letters, even where it looks like a tagged one.
    const place = { kind: kind.name, tag: stored.slice(0, 8), id: stored }
    if (keyedPlaces.size >= MOST_PLACES) keyedPlaces.clear()
    keyedPlaces.set(name, place)
    return place
  }

  function placeOf(kind: Kind<unknown>, id: string): Place {
    if (!KIND_NAME.test(kind.name)) throw new Error(`"${kind.name}" can't name a kind of records`)
    if (kind.guessable) return keyedPlaceOf(kind, id)
    const stored = hash('sha256', `${kind.name}\0${id}`, 'base64url')
    return { kind: kind.name, tag: tagOf(id) ?? stored.slice(0, 8), id: stored }
  }

  function entryOf(kind: Kind<unknown>, name: string, value: string): IndexEntry {
    if (!KIND_NAME.test(name)) throw new Error(`"${name}" can't name an index`)
    return { name, value: keyed(`index\0${kind.name}\0${name}\0${value}`) }
  }

  const entriesOf = (kind: Kind<unknown>, indexes: Record<string, string> = {}) =>
    Object.entries(indexes).map(([name, value]) => entryOf(kind, name, value))

  function sealedWrite(place: Place, condition: DriverWrite['condition'], sealed: SealedRecord) {
    const { expiresAt, indexes } = sealed
    if (expiresAt !== undefined && !Number.isFinite(expiresAt)) throw new Error(`${place.kind}: expiresAt must be a time`)
    return { place, condition, payload: sealer.seal(encodeRecord(sealed), aadOf(place.kind, place.id)), expiresAt, indexes }
  }

  const writeOf = (kind: Kind<unknown>, id: string, condition: DriverWrite['condition'], record: unknown, options: PutOptions) =>
    sealedWrite(placeOf(kind, id), condition, {
      record,
      expiresAt: options.expiresAt,
      indexes: entriesOf(kind, options.indexes)
    })

  const isLive = ({ expiresAt }: SealedRecord) => expiresAt === undefined || expiresAt > now()

  const openRow = (kind: string, id: string, payload: Uint8Array) => decodeRecord(sealer.open(payload, aadOf(kind, id)))

  async function find(place: Place) {
    const version = await driver.get(place)
    if (!version) return undefined
    const sealed = openRow(place.kind, place.id, version)
    return isLive(sealed) ? { sealed, version } : undefined
  }

  async function read<T>(kind: Kind<T>, id: string) {
    const found = await find(placeOf(kind, id))
    // Only this layer seals, and it seals under a kind only what that kind holds.
    return found && { record: found.sealed.record as T, version: found.version }
  }

  function pageOf<T>(kind: Kind<T>, { rows, next }: RowPage, belongs: (sealed: SealedRecord) => boolean): Page<T> {
    const page: Page<T> = { records: [], unreadable: 0, ...(next !== undefined && { next }) }
    for (const { id, payload } of rows) {
      try {
        const sealed = openRow(kind.name, id, payload)
        if (isLive(sealed) && belongs(sealed)) page.records.push(sealed.record as T)
      } catch (problem) {
        if (!(problem instanceof RecordUnreadable)) throw problem
        page.unreadable += 1
        onUnreadable?.(kind.name, problem)
      }
    }
    return page
  }

  return {
    driver: driver.name,
    read,

    async view<T>(kind: Kind<T>, id: string) {
      const place = placeOf(kind, id)
      const version = await driver.get(place)
      if (!version) return undefined
      const sealed = opened.at(place.id, version, () => openRow(place.kind, place.id, version))
      return isLive(sealed) ? { record: sealed.record as T, version } : undefined
    },

    get: async (kind, id) => (await read(kind, id))?.record,

    async put(kind, id, record, options = {}) {
      await driver.commit([writeOf(kind, id, 'none', record, options)])
    },

    create: (kind, id, record, options = {}) => driver.commit([writeOf(kind, id, 'absent', record, options)]),

    async update<T>(kind: Kind<T>, id: string, change: (current: T) => T | undefined) {
      const place = placeOf(kind, id)
      const deadline = performance.now() + UPDATE_PATIENCE
      for (let tries = 1; performance.now() < deadline; tries += 1) {
        const found = await find(place)
        if (!found) return undefined
        const record = change(found.sealed.record as T)
        if (record === undefined) return undefined
        const write = sealedWrite(place, found.version, { ...found.sealed, record })
        if (await driver.commit([{ ...write, indexed: true }])) return record
        await wait(randomInt(Math.min(tries, 20) + 1))
      }
      throw new StoreUnavailable(`a record of ${kind.name} is changed by too many at once`)
    },

    async delete(kind, id) {
      await driver.commit([{ place: placeOf(kind, id), condition: 'none', payload: undefined }])
    },

    async commit(writes) {
      const prepared = writes.map(prepare)
      const [first] = prepared
      if (!first) return true
      if (prepared.some(({ place }) => place.tag !== first.place.tag))
        throw new Error('the writes of one commit must lie in one slot')
      for (let current: DriverWrite[] | undefined = prepared, tries = 0; current; tries += 1) {
        if (await driver.commit(current)) return true
        current = tries < RESEALED_AT_MOST ? await afterResealing(current) : undefined
      }
      return false
    },

    async list(kind, { name, value }, page) {
      const wanted = entryOf(kind, name, value)
      const rows = await driver.list(kind.name, wanted, page)
      return pageOf(kind, rows, ({ indexes }) => indexes.some((entry) => entry.name === name && entry.value === wanted.value))
    },

    increment: (kind, id, lifetime, most) => driver.increment(placeOf(kind, id), lifetime, most),
    decrement: (kind, id) => driver.decrement(placeOf(kind, id)),
    count: (kind, id) => driver.count(placeOf(kind, id)),
    walk: async (kind, page) => pageOf(kind, await driver.walk(kind.name, page), () => true),
    check: () => driver.check(),
    close: () => driver.close()
  }

  /** The same writes on the records as they lie there now, where these have been sealed with another key and not changed. */
  async function afterResealing(writes: DriverWrite[]): Promise<DriverWrite[] | undefined> {
    let resealed = false
    const renewed: DriverWrite[] = []
    for (const write of writes) {
      const { condition, place } = write
      const now = condition instanceof Uint8Array ? await driver.get(place) : undefined
      if (!now || !(condition instanceof Uint8Array) || !isSameResealed(place, condition, now)) renewed.push(write)
      else {
        resealed = true
        renewed.push({ ...write, condition: now })
      }
    }
    return resealed ? renewed : undefined
  }

  function isSameResealed({ kind, id }: Place, before: Uint8Array, now: Uint8Array): boolean {
    if (sealer.keyIdOf(before) === sealer.keyIdOf(now)) return false
    try {
      return Buffer.compare(sealer.open(before, aadOf(kind, id)), sealer.open(now, aadOf(kind, id))) === 0
    } catch (problem) {
      if (problem instanceof RecordUnreadable) return false
      throw problem
    }
  }

  function prepare(write: Write): DriverWrite {
    if ('remove' in write)
      return { place: placeOf(write.kind, write.id), condition: write.ifVersion ?? 'none', payload: undefined }
    if (write.ifAbsent && write.ifVersion) throw new Error('a write is conditional on absence or on a version, not on both')
    return writeOf(write.kind, write.id, write.ifAbsent ? 'absent' : (write.ifVersion ?? 'none'), write.record, write)
  }
}
