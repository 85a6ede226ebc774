import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createSealer } from '../../../src/keys/sealing.ts'
import { RecordUnreadable } from '../../../src/store/store.ts'

const plain = Buffer.from('something')
const [first, second] = [
  { id: 1, key: randomBytes(32) },
  { id: 2, key: randomBytes(32) }
]

describe('sealing', () => {
  const sealer = createSealer([first])

  test('what was sealed opens, is different each time, and does not show its content', () => {
    const [one, other] = [sealer.seal(plain, 'place'), sealer.seal(plain, 'place')]
    expect(sealer.open(one, 'place')).toEqual(plain)
    expect(one).not.toEqual(other)
    expect(Buffer.from(one).includes(plain)).toBe(false)
  })

  test('no IV comes twice', () => {
    const ivs = Array.from({ length: 1000 }, () => Buffer.from(sealer.seal(plain, 'place')).toString('hex', 2, 14))
    expect(new Set(ivs).size).toBe(1000)
  })

  test('every changed bit, each cut and another place make it unreadable', () => {
    const sealed = sealer.seal(plain, 'place')
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Uint8Array.from(sealed)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(() => sealer.open(changed, 'place')).toThrow(RecordUnreadable)
    }
    for (let length = 0; length < sealed.length; length += 1) {
      expect(() => sealer.open(sealed.subarray(0, length), 'place')).toThrow(RecordUnreadable)
    }
    expect(() => sealer.open(sealed, 'elsewhere')).toThrow(RecordUnreadable)
  })

  test('after a rotation the first key seals and all open, until the old one is gone', () => {
    const old = sealer.seal(plain, 'place')
    const rotated = createSealer([second, first])
    expect(rotated.open(old, 'place')).toEqual(plain)
    expect(rotated.seal(plain, 'place')[1]).toBe(2)
    expect(() => sealer.open(rotated.seal(plain, 'place'), 'place')).toThrow('key 2')
    expect(() => createSealer([second]).open(old, 'place')).toThrow('key 1')
  })

  test.each([
    ['no key', []],
    ['a short key', [{ id: 1, key: randomBytes(16) }]],
    ['an id that does not fit a byte', [{ id: 256, key: randomBytes(32) }]],
    ['two keys of one id', [first, { id: 1, key: randomBytes(32) }]]
  ])('%s is refused', (_, keys) => {
    expect(() => createSealer(keys)).toThrow()
  })
})
