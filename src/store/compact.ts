/**
 * Values as JSON knows them, in fewer bytes than JSON takes: member names and frequent words as one byte, numbers in binary,
 * a text that comes again as a reference to the first. What comes back is what JSON would have brought back.
 *
 * A value begins with a byte that says what it is:
 *   00 null   01 false   02 true   03 double   04 text of 8-bit letters   05 text of 16-bit letters
 *   06 word   07 text that was there before   08 list   09 object   0a whole number   0b negative whole number
 *   10-1f list of 0 to 15   20-3f object of 0 to 31   40-7f whole number 0 to 63   80-ff text of 0 to 127 8-bit letters
 * Lengths, whole numbers and references are in groups of seven bits, the lowest first. A member's name is its word's place,
 * or ff and a text.
 */
import { RecordUnreadable } from './store.ts'
import { WORDS } from './words.ts'

const NULL = 0x00
const FALSE = 0x01
const TRUE = 0x02
const DOUBLE = 0x03
const TEXT_8 = 0x04
const TEXT_16 = 0x05
const WORD = 0x06
const AGAIN = 0x07
const LIST = 0x08
const OBJECT = 0x09
const WHOLE = 0x0a
const NEGATIVE = 0x0b
const SHORT_LIST = 0x10
const SHORT_OBJECT = 0x20
const SMALL = 0x40
const SHORT_TEXT = 0x80
const UNKNOWN_NAME = 0xff

/** A reference takes two bytes or more: it pays from here on. */
const SHORTEST_REPEATED = 4

const PLACES = new Map(WORDS.map((word, place) => [word, place]))
const WIDE = /[^\0-\xff]/

const byte = String.fromCharCode

/** The bytes of values written one after the other, behind a first byte of the caller's. */
export class CompactWriter {
  /** One letter for each byte. */
  private bytes: string
  private readonly seen = new Map<string, number>()

  constructor(first: number) {
    this.bytes = byte(first)
  }

  write(value: unknown): this {
    if (typeof value === 'string') this.text(value)
    else if (typeof value === 'number') this.number(value)
    else if (value === true || value === false) this.bytes += byte(value ? TRUE : FALSE)
    else if (value === null || typeof value !== 'object') this.bytes += byte(NULL)
    else if ('toJSON' in value && typeof value.toJSON === 'function') this.write(JSON.parse(JSON.stringify(value) ?? 'null'))
    else if (Array.isArray(value)) this.list(value)
    else this.object(value)
    return this
  }

  take(): Buffer {
    return Buffer.from(this.bytes, 'latin1')
  }

  private list(items: readonly unknown[]) {
    this.bytes += items.length < 16 ? byte(SHORT_LIST + items.length) : byte(LIST) + lengthOf(items.length)
    for (const item of items) this.write(item)
  }

  private object(object: object) {
    let size = 0
    for (const value of Object.values(object)) if (isWritten(value)) size += 1
    this.bytes += size < 32 ? byte(SHORT_OBJECT + size) : byte(OBJECT) + lengthOf(size)
    for (const [name, value] of Object.entries(object)) {
      if (!isWritten(value)) continue
      const place = PLACES.get(name)
      if (place === undefined) {
        this.bytes += byte(UNKNOWN_NAME)
        this.text(name)
      } else this.bytes += byte(place)
      this.write(value)
    }
  }

  private text(text: string) {
    const place = PLACES.get(text)
    if (place !== undefined) {
      this.bytes += byte(WORD, place)
      return
    }
    if (text.length >= SHORTEST_REPEATED) {
      const before = this.seen.get(text)
      if (before !== undefined) {
        this.bytes += byte(AGAIN) + lengthOf(before)
        return
      }
      this.seen.set(text, this.seen.size)
    }
    if (WIDE.test(text)) this.bytes += byte(TEXT_16) + lengthOf(text.length) + Buffer.from(text, 'utf16le').toString('latin1')
    else if (text.length < 128) this.bytes += byte(SHORT_TEXT + text.length) + text
    else this.bytes += byte(TEXT_8) + lengthOf(text.length) + text
  }

  private number(number: number) {
    if (Number.isSafeInteger(number)) {
      if (number >= 0 && number < 64) this.bytes += byte(SMALL + number)
      else if (number >= 0) this.bytes += byte(WHOLE) + lengthOf(number)
      else this.bytes += byte(NEGATIVE) + lengthOf(-number)
    } else if (Number.isFinite(number)) {
      const bytes = Buffer.alloc(8)
      bytes.writeDoubleBE(number)
      this.bytes += byte(DOUBLE) + bytes.toString('latin1')
    } else this.bytes += byte(NULL)
  }
}

/** JSON.stringify leaves out the others. */
function isWritten(value: unknown): boolean {
  return value !== undefined && typeof value !== 'function' && typeof value !== 'symbol'
}

function lengthOf(number: number): string {
  let rest = number
  let bytes = ''
  // Not by shifts, which know 32 bits.
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes += byte(128 + (rest % 128))
  return bytes + byte(rest)
}

/** Values in the order in which they were written. */
export class CompactReader {
  private at: number
  private readonly seen: string[] = []
  private readonly bytes: string

  constructor(bytes: Uint8Array, from: number) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
    this.at = from
  }

  read(): unknown {
    const type = this.next()
    if (type >= SHORT_TEXT) return this.text(type - SHORT_TEXT)
    if (type >= SMALL) return type - SMALL
    if (type >= SHORT_OBJECT) return this.object(type - SHORT_OBJECT)
    if (type >= SHORT_LIST) return this.list(type - SHORT_LIST)
    switch (type) {
      case NULL:
        return null
      case FALSE:
        return false
      case TRUE:
        return true
      case DOUBLE:
        return Buffer.from(this.slice(8), 'latin1').readDoubleBE()
      case TEXT_8:
        return this.text(this.length())
      case TEXT_16: {
        const length = this.length()
        return this.keep(Buffer.from(this.slice(2 * length), 'latin1').toString('utf16le'))
      }
      case WORD:
        return WORDS[this.next()]
      case AGAIN:
        return this.seen[this.length()]
      case LIST:
        return this.list(this.length())
      case OBJECT:
        return this.object(this.length())
      case WHOLE:
        return this.length()
      case NEGATIVE:
        return -this.length()
      default:
        throw new RecordUnreadable(`a record with a value of type ${type}, which this release does not know`)
    }
  }

  private list(length: number): unknown[] {
    const items: unknown[] = []
    for (let i = 0; i < length; i += 1) items.push(this.read())
    return items
  }

  private object(size: number): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    for (let i = 0; i < size; i += 1) {
      const place = this.next()
      const name = place === UNKNOWN_NAME ? String(this.read()) : (WORDS[place] ?? '')
      const value = this.read()
      // An assignment would set the prototype.
      if (name === '__proto__')
        Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
      else object[name] = value
    }
    return object
  }

  private text(length: number): string {
    return this.keep(this.slice(length))
  }

  private keep(text: string): string {
    if (text.length >= SHORTEST_REPEATED) this.seen.push(text)
    return text
  }

  private next(): number {
    if (this.at >= this.bytes.length) throw new RecordUnreadable('a record ends too early')
    return this.bytes.charCodeAt(this.at++)
  }

  private slice(length: number): string {
    this.at += length
    if (this.at > this.bytes.length) throw new RecordUnreadable('a record ends too early')
    return this.bytes.slice(this.at - length, this.at)
  }

  private length(): number {
    let number = 0
    for (let factor = 1; ; factor *= 128) {
      const group = this.next()
      if (group < 128) return number + group * factor
      number += (group - 128) * factor
    }
  }
}
