import { randomBytes } from 'node:crypto'
import { createLocalJWKSet, importJWK, jwtVerify, SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { createSealer } from '../../../src/keys/sealing.ts'
import { loadSigningKeys } from '../../../src/keys/signing-keys.ts'
import { createStore } from '../../../src/store/sealed-store.ts'
import { openSqlite } from '../../../src/store/sqlite.ts'

test('case 147: two processes that start at once sign with one key, which stays, and no dump shows it', async () => {
  const now = Date.now
  const driver = await openSqlite(':memory:', now)
  const store = createStore({
    driver,
    sealer: createSealer([{ id: 1, key: randomBytes(32) }]),
    lookupKey: randomBytes(32),
    now
  })
  const [one, other] = await Promise.all([loadSigningKeys(store, now), loadSigningKeys(store, now)])
  expect(other).toEqual(one)
  expect(await loadSigningKeys(store, now)).toEqual(one)

  const [jwk] = one.keys
  if (!jwk) throw new Error('no key')
  expect(jwk).toMatchObject({ kty: 'RSA', alg: 'RS256', use: 'sig' })
  expect(Buffer.from(jwk.n ?? '', 'base64url')).toHaveLength(384)
  const token = await new SignJWT({ sub: 'x' })
    .setProtectedHeader({ alg: 'RS256', kid: jwk.kid ?? '' })
    .sign(await importJWK(jwk))
  const publicKey = { kty: 'RSA', n: jwk.n ?? '', e: jwk.e ?? '', kid: jwk.kid ?? '', alg: 'RS256' }
  expect((await jwtVerify(token, createLocalJWKSet({ keys: [publicKey] }))).payload).toEqual({ sub: 'x' })

  // Case 147: a dump of the store is no use to sign with.
  const { rows } = await driver.everything({ limit: 100 })
  const dump = Buffer.concat(rows.map(({ payload }) => payload))
  for (const { d = '', p = '' } of one.keys)
    for (const half of [d, p]) {
      expect(half.length).toBeGreaterThan(100)
      for (const form of [half, Buffer.from(half, 'base64url')]) expect(dump.includes(form)).toBe(false)
    }
  await store.close()
})
