/** Records come back from their stored form as JSON would bring them back, and the form of version 2 stays what it is. */
import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { decodeRecord, encodeRecord } from '../../../src/store/record.ts'
import { RecordUnreadable } from '../../../src/store/store.ts'
import { WORDS } from '../../../src/store/words.ts'

const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

function stored(record: unknown): unknown {
  return decodeRecord(encodeRecord({ record, expiresAt: undefined, indexes: [] })).record
}

const SCOPE = 'openid fhirUser launch/patient patient/Observation.rs?category=laboratory'

test.each([
  ['nothing in it', [{}, [], '', null, false, true]],
  ['whole numbers', [0, 1, 63, 64, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32 + 1, Date.UTC(2100, 0), Number.MAX_SAFE_INTEGER]],
  ['numbers below nought', [-1, -63, -64, -128, -(2 ** 40), Number.MIN_SAFE_INTEGER]],
  ['other numbers', [1.5, -0.1, 1e300, 5e-324, 2 ** 60, Number.NaN, Number.POSITIVE_INFINITY]],
  ['texts of many lengths', [1, 3, 4, 126, 127, 128, 129, 300, 20_000].map((length) => 'x'.repeat(length))],
  ['letters of all kinds', ['naïve', 'ÿ', 'Ā', 'Zoë 🩺 山田', '\0\u0080', '\ud800 alone', 'я'.repeat(400)]],
  [
    'texts that come again',
    { a: SCOPE, b: { [SCOPE]: SCOPE }, c: ['Ярослав', 'Ярослав', SCOPE], abc: 'abc', d: 'abc', e: 'abcd', f: 'abcd' }
  ],
  [
    'words as names, values and parts of texts',
    Object.fromEntries(WORDS.map((word, i) => [word, [word, `${word} `, WORDS[i + 1]]]))
  ],
  ['long lists', Array.from({ length: 20_000 }, (_, i) => [i])],
  ['many members', Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`member-${i}`, i]))],
  ['depth', Array.from({ length: 300 }).reduce((inside: unknown) => ({ inside: [inside] }), 'end')],
  ['what JSON leaves out', { a: undefined, b: () => 1, c: Symbol('c'), d: [undefined, () => 1], e: 1, at: new Date(0) }],
  ['a name by which others are written otherwise', JSON.parse('{"toJSON":"x","in":[{"toJSON":{"toJSON":null}}]}')],
  ['a name that is a prototype', JSON.parse('{"__proto__":{"disabled":true},"constructor":"x","":1}')]
])('a record with %s', (_, record) => {
  expect(stored(record)).toEqual(throughJson(record))
  expect(JSON.stringify(stored(record))).toBe(JSON.stringify(record))
})

test('two thousand records made by chance', () => {
  const next = pseudoRandom(7)
  for (let i = 0; i < 2000; i += 1) {
    const record = { kind: WORDS[next(WORDS.length)], value: anything(next, 4) }
    expect(JSON.stringify(stored(record))).toBe(JSON.stringify(record))
  }
})

test('an end and indexes come back', () => {
  const indexes = [
    { name: 'account', value: 'v'.repeat(43) },
    { name: 'due', value: 'w'.repeat(43) }
  ]
  for (const expiresAt of [0, 1_798_761_600_123, 1_798_761_600_123.25]) {
    const sealed = { record: { text: 'here' }, expiresAt, indexes }
    expect(decodeRecord(encodeRecord(sealed))).toEqual(sealed)
  }
})

test('a list of scopes that a Grant holds twice is written once', () => {
  const bytes = encodeRecord({ record: { openid: { scope: SCOPE }, resources: { x: SCOPE } }, expiresAt: 1, indexes: [] })
  expect(Buffer.from(bytes).toString('latin1').split('Observation')).toHaveLength(2)
  expect(bytes.length).toBeLessThan(SCOPE.length + 20)
})

describe('version 2', () => {
  test('F22: its words stay where they are', () => {
    expect(WORDS.length).toBeLessThan(251)
    expect(new Set(WORDS).size).toBe(WORDS.length)
    expect(hash('sha256', WORDS.slice(0, 142).join('\n'))).toBe(
      'f8f1a69c260d32ad8306390f389b1490eae277d73ecec4a844dffd05afd362bd'
    )
  })

  test('bytes that no release wrote are refused', () => {
    expect(() => decodeRecord(Uint8Array.of(3, 0x10))).toThrow(RecordUnreadable)
    expect(() => decodeRecord(Uint8Array.of())).toThrow(RecordUnreadable)
    // Cut short, and of a type that there is not.
    for (const bytes of [[2], [2, 0, 0x10], [2, 0, 0x10, 0x21, 0x00], [2, 0, 0x10, 0x90, 0x41], [2, 0, 0x10, 0x0f]])
      expect(() => decodeRecord(Uint8Array.from(bytes))).toThrow(RecordUnreadable)
  })
})

/** The same numbers at each run: under a limit, by a linear congruential generator. */
function pseudoRandom(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

function anything(next: (limit: number) => number, depth: number): unknown {
  const letters = ['a', 'é', 'Ж', '🩺', ' ', '/']
  const text = (): string => Array.from({ length: next(40) }, () => letters[next(letters.length)]).join('')
  const several = <T>(make: () => T): T[] => Array.from({ length: next(depth === 0 ? 1 : 6) }, make)
  switch (next(9)) {
    case 0:
      return null
    case 1:
      return next(2) === 0
    case 2:
      return next(2 ** 31) * next(1000)
    case 3:
      return (next(2 ** 31) - 2 ** 30) / 64
    case 4:
      return WORDS[next(WORDS.length)]
    case 5:
      return several(() => anything(next, depth - 1))
    case 6:
      return Object.fromEntries(several(() => [next(2) === 0 ? text() : WORDS[next(WORDS.length)], anything(next, depth - 1)]))
    default:
      return text()
  }
}
