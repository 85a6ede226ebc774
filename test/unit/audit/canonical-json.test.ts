import { expect, test } from 'vitest'
import { canonicalJson } from '../../../src/audit/canonical-json.ts'

test.each([
  [
    'members in order of name, at every depth',
    { b: 1, a: { d: [2, { z: 1, y: 2 }], c: null } },
    '{"a":{"c":null,"d":[2,{"y":2,"z":1}]},"b":1}'
  ],
  ['names by UTF-16 code units', { '\u{1f600}': 1, '\ufb33': 2, a: 3, A: 4 }, '{"A":4,"a":3,"\u{1f600}":1,"\ufb33":2}'],
  ['absent members left out', { a: undefined, b: false }, '{"b":false}'],
  ['line ends and quotes escaped', { a: 'x\r\n"y"\u001b[31m' }, '{"a":"x\\r\\n\\"y\\"\\u001b[31m"}'],
  ['an empty object and list', { a: {}, b: [] }, '{"a":{},"b":[]}']
])('the canonical form has %s', (_what, value, text) => {
  expect(canonicalJson(value)).toBe(text)
})

test.each([
  ['NaN', Number.NaN],
  ['a Date', new Date(0)],
  ['a Map', new Map()],
  ['a function', () => 1],
  ['a bigint', 1n],
  ['undefined in a list', [undefined]]
])('%s has no canonical form, since it would not come back from the store as it was', (_what, value) => {
  expect(() => canonicalJson({ value })).toThrow(TypeError)
})
