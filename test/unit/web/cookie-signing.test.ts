import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { cookieSigning } from '../../../src/web/cookie-signing.ts'

const [OLD, NEW] = ['an older key of thirty-two letters', 'a newer key of thirty-two letters.']

test('a signature is HMAC-SHA-256 of the cookie by the first key', () => {
  const expected = createHmac('sha256', NEW).update('session=abc').digest('base64url')
  expect(cookieSigning([NEW, OLD]).sign('session=abc')).toBe(expected)
})

test('each key verifies what it has signed, and says which it is', () => {
  const before = cookieSigning([OLD]).sign('session=abc')
  const rotated = cookieSigning([NEW, OLD])
  expect(rotated.index('session=abc', rotated.sign('session=abc'))).toBe(0)
  expect(rotated.index('session=abc', before)).toBe(1)
  expect(rotated.verify('session=abc', before)).toBe(true)
})

test.each([
  ['another cookie', 'session=abd', cookieSigning([NEW]).sign('session=abc')],
  ['another key', 'session=abc', cookieSigning(['a key that nobody here has, as long']).sign('session=abc')],
  ['nothing', 'session=abc', ''],
  ['a part of it', 'session=abc', cookieSigning([NEW]).sign('session=abc').slice(0, -1)],
  ['letters beyond ASCII', 'session=abc', 'ä'.repeat(43)]
])('a signature of %s is none', (_what, cookie, signature) => {
  expect(cookieSigning([NEW, OLD]).index(cookie, signature)).toBe(-1)
  expect(cookieSigning([NEW, OLD]).verify(cookie, signature)).toBe(false)
})

test('without a key nothing is signed', () => {
  expect(() => cookieSigning([])).toThrow('at least one cookie key')
})
