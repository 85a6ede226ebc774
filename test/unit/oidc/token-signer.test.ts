import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { expect, test } from 'vitest'
import { createTokenSigner } from '../../../src/oidc/token-signer.ts'

async function newKey(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' }
}

const [old, next] = await Promise.all([newKey('old'), newKey('next')])
const CLAIMS = { sub: 'x', jti: 'kw_jt_x' }

test('what a key has signed is known as long as the key is published', async () => {
  const signer = createTokenSigner({ keys: [old, next] })
  const token = await signer.sign(CLAIMS, 'at+jwt')
  expect(await signer.claimsOf(token, 'at+jwt')).toEqual(CLAIMS)
  signer.replaceKeys({ keys: [next, old] })
  expect(await signer.claimsOf(token, 'at+jwt')).toEqual(CLAIMS)
  const later = await signer.sign(CLAIMS, 'at+jwt')
  signer.replaceKeys({ keys: [next] })
  expect(await signer.claimsOf(token, 'at+jwt')).toBeUndefined()
  expect(await signer.claimsOf(later, 'at+jwt')).toEqual(CLAIMS)
})

test('what was signed as something else is no access token', async () => {
  const signer = createTokenSigner({ keys: [old] })
  expect(await signer.claimsOf(await signer.sign(CLAIMS), 'at+jwt')).toBeUndefined()
})

test('keys that can not sign leave those that can', async () => {
  const signer = createTokenSigner({ keys: [old] })
  const { kid: _kid, ...unnamed } = next
  expect(() => signer.replaceKeys({ keys: [unnamed] })).toThrow('kid')
  expect(await signer.claimsOf(await signer.sign(CLAIMS, 'at+jwt'), 'at+jwt')).toEqual(CLAIMS)
})
