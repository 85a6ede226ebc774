/** The headers that case 127 wants on every answer, whichever issuer it comes from. */
import { expect } from 'vitest'

export function expectProtected(headers: Headers): void {
  expect(Object.fromEntries(headers)).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'permissions-policy': expect.stringContaining('camera=()'),
    'content-security-policy': expect.stringMatching(/^default-src 'none'.*base-uri 'none'.*frame-ancestors 'none'/),
    'x-request-id': expect.stringMatching(/^[\da-f-]{36}$/)
  })
  for (const banner of ['server', 'x-powered-by', 'via']) expect(headers.has(banner)).toBe(false)
}
