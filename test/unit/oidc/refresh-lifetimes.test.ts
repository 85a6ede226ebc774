import { expect, test } from 'vitest'
import type { ClientConfig } from '../../../src/config/config.ts'
import { isOver, refreshLifetimes } from '../../../src/oidc/token/refresh-lifetimes.ts'
import { newClientKey, serviceConfig } from '../../harness/backend-client.ts'

const DAY = 86_400
const app = (own: Partial<ClientConfig>): ClientConfig => serviceConfig('app', newClientKey('ES384'), own)
/** Issued on day 100, of a line that began on day 10, good until day 193. */
const token = {
  iat: 100 * DAY,
  exp: 193 * DAY,
  iiat: 10 * DAY,
  kind: 'RefreshToken',
  jti: 'x',
  accountId: 'a',
  clientId: 'app',
  grantId: 'g'
}

test('SM-236, SM-238: a client without times of its own has those of all, and no end beyond them', () => {
  expect(refreshLifetimes(app({}), { refreshToken: 93 * DAY })).toEqual({ lifetime: 93 * DAY, absolute: undefined })
})

test.each<[string, Partial<ClientConfig>, number]>([
  ['what it was given', {}, 193],
  ['a shorter life that its client was given since', { refresh_token_lifetime: 20 * DAY }, 120],
  ['no longer life that its client was given since', { refresh_token_lifetime: 400 * DAY }, 193],
  ['the end of connections that its client was given since', { refresh_token_absolute: 100 * DAY }, 110],
  ['whichever is first', { refresh_token_lifetime: 5 * DAY, refresh_token_absolute: 100 * DAY }, 105]
])('a refresh token ends with %s', (_, own, day) => {
  const client = app(own)
  expect(isOver(token, client, day * DAY * 1000 - 1)).toBe(false)
  expect(isOver(token, client, day * DAY * 1000)).toBe(true)
})
