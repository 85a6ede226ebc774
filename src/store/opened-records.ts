/**
 * Records that were opened lately, so that the same bytes need not be opened again: what introspection reads is the same from
 * one request to the next. It is no cache of the store: the bytes are read each time, and only those that are the same to the
 * last one are known. A record is frozen, since several callers hold it.
 */
import type { SealedRecord } from './record.ts'

interface Opened {
  /** A copy: the bytes that were read are a part of all that arrived with them. */
  bytes: Buffer
  sealed: SealedRecord
}

export interface OpenedRecords {
  /** What these bytes hold, opened by `open` unless they are known at this place. */
  at(place: string, bytes: Uint8Array, open: () => SealedRecord): SealedRecord
}

/** Keeps what was used last, up to `most` sealed bytes; what is kept takes about four times as much memory. */
export function createOpenedRecords(most: number): OpenedRecords {
  // Two halves: when the younger is full the older goes, with all that was not asked for since it was the younger one.
  let younger = new Map<string, Opened>()
  let older = new Map<string, Opened>()
  let size = 0

  // What is asked for once in a long while would only push out what is asked for often, and cost its copy.
  const lately = new Uint32Array(LATELY)

  /** Whether this place was asked for before, within the last so many of them. */
  function wasAskedFor(place: string): boolean {
    const mark = markOf(place)
    const at = mark % LATELY
    const before = lately[at] === mark
    lately[at] = mark
    return before
  }

  function keep(place: string, opened: Opened) {
    if (size + opened.bytes.length > most / 2) {
      older = younger
      younger = new Map()
      size = 0
    }
    younger.set(place, opened)
    size += opened.bytes.length
  }

  return {
    at(place, read, open) {
      const known = younger.get(place)
      if (known?.bytes.equals(read)) return known.sealed
      const before = known ? undefined : older.get(place)
      if (before?.bytes.equals(read)) {
        keep(place, before)
        return before.sealed
      }
      const sealed = freeze(open())
      if (wasAskedFor(place) && read.length <= most / 2) keep(place, { bytes: Buffer.from(read), sealed })
      return sealed
    }
  }
}

const LATELY = 262_144

/** Of an id that is a hash in base64url some of its letters do; two with the same mark cost a copy. */
function markOf(place: string): number {
  let mark = 0
  for (let at = 0; at < 8 && at < place.length; at++) mark = Math.imul(mark, 61) + place.charCodeAt(at)
  return mark >>> 0
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const inner of Object.values(Object.freeze(value))) freeze(inner)
  return value
}
