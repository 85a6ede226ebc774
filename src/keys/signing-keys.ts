/**
 * The keys that sign id_tokens: made by the first process that starts on a store, sealed
 * in it, the same for all. Their public halves are what /jwks shows.
 */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import type { Kind, Store } from '../store/store.ts'

interface SigningKeys {
  keys: { jwk: JWK; createdAt: number }[]
}

const SIGNING_KEYS: Kind<SigningKeys> = { name: 'signing-keys' }
const ID = 'current'

/** The private JWKS. */
export async function loadSigningKeys(store: Store, now: () => number): Promise<{ keys: JWK[] }> {
  let stored = await store.get(SIGNING_KEYS, ID)
  if (!stored) {
    await store.create(SIGNING_KEYS, ID, { keys: [{ jwk: await newKey(), createdAt: now() }] })
    // Another process may have been first: what the store holds is what counts.
    stored = await store.get(SIGNING_KEYS, ID)
  }
  if (!stored) throw new Error('the signing keys vanished while they were read')
  return { keys: stored.keys.map(({ jwk }) => jwk) }
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { modulusLength: 3072, extractable: true })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), use: 'sig', alg: 'RS256' }
}
