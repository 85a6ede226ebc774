import { expect, test } from 'vitest'
import { letsThrough, parseSearchFilter, valuesOf } from '../../../src/smart-scopes/search-filter.ts'

test.each<[string, [name: string, ...values: string[]][]]>([
  ['category=a', [['category', 'a']]],
  [
    'category=a&status=final',
    [
      ['category', 'a'],
      ['status', 'final']
    ]
  ],
  [
    'category=a&category=b',
    [
      ['category', 'a'],
      ['category', 'b']
    ]
  ],
  ['category=a,b', [['category', 'a', 'b']]],
  ['category=a%2Cb', [['category', 'a', 'b']]],
  ['category=a%5C,b', [['category', 'a\\,b']]],
  ['category=a%5C%5C,b', [['category', 'a\\\\', 'b']]],
  ['category=http://a.example|b', [['category', 'http://a.example|b']]],
  ['category=http%3A%2F%2Fa.example%7Cb', [['category', 'http://a.example|b']]],
  ['%63ategory=a', [['category', 'a']]],
  ['code=a=b', [['code', 'a=b']]],
  ['code=a%26b', [['code', 'a&b']]],
  ['code=%C3%A9', [['code', 'é']]],
  ['code=a+b', [['code', 'a+b']]],
  ['_security=R', [['_security', 'R']]],
  ['_countless=a', [['_countless', 'a']]],
  ['a_count=b', [['a_count', 'b']]],
  ['code:in=a,b', [['code:in', 'a,b']]],
  ['patient.birthdate=1990', [['patient.birthdate', '1990']]],
  ['subject:Patient.name=a', [['subject:Patient.name', 'a']]],
  ['_filter=a%20eq%20b', [['_filter', 'a eq b']]]
])('SM-190, SM-191: %s is read', (query, expected) => {
  expect(parseSearchFilter(query)).toEqual(expected.map(([name, ...values]) => ({ name, values })))
})

test.each([
  '',
  'category',
  'category=',
  '=a',
  'category=a&',
  '&category=a',
  'category=,',
  'category=a,,b',
  'category=a,',
  'cat egory=a',
  '1a=b',
  'a..b=c',
  'a.=c',
  'a:=c',
  '.a=c',
  'a,b=c',
  'category=%',
  'category=%e9',
  'category=%00',
  'category=a%0Ab',
  'category=a%7F',
  '%zz=a',
  '%0a=a',
  '_count=1',
  '_include=Observation:subject',
  '_include:iterate=Observation:subject',
  '_revinclude=Provenance:target',
  '_query=everything',
  'category=a&_elements=id',
  '_summary=count',
  '_containedType=container'
])('SM-191: %j is no list of parameters that hold something back', (query) => {
  expect(parseSearchFilter(query)).toBeUndefined()
})

test.each([
  ['category=a', 'category=a', true],
  ['category=a', 'category=b', false],
  ['category=a', 'status=a', false],
  ['category=a', 'category=a&status=final', true],
  ['category=a&status=final', 'category=a', false],
  ['category=a&status=final', 'status=final&category=a', true],
  ['category=a,b', 'category=a', true],
  ['category=a,b', 'category=b,a', true],
  ['category=a', 'category=a,b', false],
  ['category=a,b', 'category=a&category=c', true],
  ['code:in=a,b', 'code:in=a', false],
  ['code:in=a', 'code=a', false],
  ['category=A', 'category=a', false]
])('SM-190: whether %s lets %s through: %s', (held, wanted, expected) => {
  expect(letsThrough(parseSearchFilter(held) ?? [], parseSearchFilter(wanted) ?? [])).toBe(expected)
})

test.each<[string | undefined, string[]]>([
  ['category=a', ['a']],
  ['status=final&category=a,b', ['a', 'b']],
  ['status=final', []],
  ['category:not=a', []],
  ['category', []],
  [undefined, []]
])('the categories of %s are %j', (query, expected) => {
  expect(valuesOf(query, 'category')).toEqual(expected)
})
