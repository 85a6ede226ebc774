import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import {
  coveredBy,
  covers,
  inCommon,
  parseResourceScope,
  printResourceScope,
  type ResourceScope
} from '../../../src/smart-scopes/resource-scope.ts'
import { CASES, resourceScope, TIME } from './arbitrary-scopes.ts'

vi.setConfig({ testTimeout: TIME })

const scope = resourceScope.map(parsed)

test('SM-186, SM-190: every scope is printed as it was written', () => {
  fc.assert(
    fc.property(resourceScope, (text) => {
      expect(printResourceScope(parsed(text))).toBe(text)
    }),
    CASES
  )
})

test('SM-193: no text at all is more than a scope or none, and what is one comes back as it was', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), damaged()), (text) => {
      const one = parseResourceScope(text)
      if (one) expect(printResourceScope(one)).toBe(text)
    }),
    CASES
  )
})

test('a scope covers itself', () => {
  fc.assert(
    fc.property(scope, (one) => {
      expect(covers(one, one)).toBe(true)
    }),
    CASES
  )
})

test('what covers a scope covers all that this one covers', () => {
  fc.assert(
    fc.property(scope, scope, scope, (one, two, three) => {
      // What two have in common is covered by both: without it, three in a row would be rare.
      const middle = inCommon(one, two) ?? two
      const last = inCommon(middle, three) ?? three
      if (covers(one, middle) && covers(middle, last)) expect(covers(one, last)).toBe(true)
    }),
    CASES
  )
})

test('SM-188: version 1 and version 2 of the same cover each other', () => {
  const pairs = fc.constantFrom(['read', 'rs'], ['write', 'cud'], ['*', 'cruds'])
  fc.assert(
    fc.property(fc.constantFrom('patient', 'user', 'system'), fc.constantFrom('*', 'Patient'), pairs, (who, what, pair) => {
      const [one, two] = pair.map((access) => parsed(`${who}/${what}.${access}`))
      if (!one || !two) throw new Error('a pair')
      expect([covers(one, two), covers(two, one)]).toEqual([true, true])
    }),
    CASES
  )
})

test('SM-190: percent-encoding changes nothing but the letters', () => {
  fc.assert(
    fc.property(resourceScope, (text) => {
      const [head = '', query] = text.split('?')
      const encoded = query?.replaceAll(/[^=&,.:]+/g, (part) => encodeURIComponent(decodeURIComponent(part)))
      const [one, two] = [parsed(text), parsed(encoded === undefined ? head : `${head}?${encoded}`)]
      expect([covers(one, two), covers(two, one)]).toEqual([true, true])
    }),
    CASES
  )
})

test('SM-192: letters one by one are worth what they are together', () => {
  fc.assert(
    fc.property(scope, fc.array(scope, { maxLength: 4 }), (one, others) => {
      const apart = [...one.interactions].map((interactions) => ({ ...one, interactions }))
      expect(coveredBy(apart, one)).toBe(true)
      expect(coveredBy(others, one)).toBe(apart.every((letter) => coveredBy(others, letter)))
    }),
    CASES
  )
})

test('SM-204: what two scopes have in common is covered by both, and covers what both cover', () => {
  fc.assert(
    fc.property(scope, scope, scope, (one, two, any) => {
      const both = inCommon(one, two)
      if (both) expect([covers(one, both), covers(two, both)]).toEqual([true, true])
      if (covers(one, any) && covers(two, any)) expect(both !== undefined && covers(both, any)).toBe(true)
    }),
    CASES
  )
})

/** A scope with one character too many, too few, or another. */
function damaged(): fc.Arbitrary<string> {
  return fc
    .tuple(resourceScope, fc.nat(80), fc.string({ minLength: 0, maxLength: 2 }), fc.nat(2))
    .map(([text, at, put, cut]) => text.slice(0, at) + put + text.slice(at + cut))
}

function parsed(text: string): ResourceScope {
  const one = parseResourceScope(text)
  if (!one) throw new Error(`${text} is no scope`)
  return one
}
