import { expect, test } from 'vitest'
import {
  keySetOf,
  PUBLISHED_FIRST,
  ringOf,
  rotatableFrom,
  rotated,
  type SigningKey,
  type SigningRing,
  storedRing,
  withdrawn
} from '../../../src/keys/signing-ring.ts'

const HOUR = 3_600_000
const key = (kid: string, createdAt = 0): SigningKey => ({ jwk: { kty: 'RSA', kid }, createdAt })
const published = (ring: SigningRing, now: number) => keySetOf(ring, now).keys.map(({ kid }) => kid)
const ring: SigningRing = { active: key('a'), next: key('b', 5), retired: [] }
const turn = (from: SigningRing, now: number, kid: string) =>
  rotated(from, { now, newNext: key(kid, now), idTokenLifetime: HOUR })

test('case 78: the key that signs is published first, then the next one, then those that have signed', () => {
  expect(published(ring, 0)).toEqual(['a', 'b'])
  expect(published(turn(ring, 10, 'c'), 10)).toEqual(['b', 'c', 'a'])
})

test('case 78: an old key is published until the last id_token that it signed has ended, and some time more', () => {
  const after = turn(ring, 10, 'c')
  expect(after.retired).toMatchObject([{ retiredAt: 10 }])
  expect(published(after, 10 + HOUR)).toContain('a')
  expect(published(after, 10 + HOUR + 5 * 60_000)).toContain('a')
  expect(published(after, 10 + 2 * HOUR)).not.toContain('a')
  expect(turn(after, 10 + 2 * HOUR, 'd').retired.map(({ jwk }) => jwk.kid)).toEqual(['b'])
})

test('F18: the next key may sign once it has been published for long enough, and a ring without one can not be rotated', () => {
  expect(rotatableFrom(ring)).toBe(5 + PUBLISHED_FIRST)
  expect(rotatableFrom(ring, 7)).toBe(12)
  expect(rotatableFrom({ active: key('a'), retired: [] })).toBe(Number.POSITIVE_INFINITY)
  expect(() => turn({ active: key('a'), retired: [] }, 1, 'c')).toThrow('next')
})

test('case 148: a key that is withdrawn is published no more, and signs no more', () => {
  const withRetired = turn(ring, 10, 'c')
  const without = (kid: string) => withdrawn(withRetired, kid, { now: 20, newNext: key('d', 20) })
  expect(published(withRetired, 20)).toEqual(['b', 'c', 'a'])
  const after = without('b')
  expect(after && published(after, 20)).toEqual(['c', 'd', 'a'])
  expect(after?.active.activatedAt).toBe(20)
  for (const [kid, left] of [
    ['c', ['b', 'd', 'a']],
    ['a', ['b', 'c']]
  ] as const) {
    const others = without(kid)
    expect(others && published(others, 20)).toEqual(left)
  }
  expect(without('e')).toBeUndefined()
  expect(() => withdrawn({ active: key('a'), retired: [] }, 'a', { now: 1, newNext: key('d') })).toThrow('next')
})

test('a ring is stored in the order of publication and read as it was', () => {
  const after = turn(ring, 10, 'c')
  expect(storedRing(after).keys.map(({ jwk, state }) => [jwk.kid, state])).toEqual([
    ['b', 'active'],
    ['c', 'next'],
    ['a', 'retired']
  ])
  expect(ringOf(storedRing(after))).toEqual(after)
  expect(() => ringOf({ keys: [] })).toThrow('none that signs')
})
