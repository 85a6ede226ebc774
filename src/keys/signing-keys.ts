/**
 * The keys that sign id_tokens and JWT access tokens: made by the first process that starts on a store, sealed in it, the same
 * for all. A rotation changes the one record in which they lie; every process looks at it again and again (signing-key-watch.ts).
 */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import type { Kind, Store, Version } from '../store/store.ts'
import {
  keySetOf,
  ringOf,
  rotatableFrom,
  rotated,
  type SigningKey,
  type SigningRing,
  type StoredRing,
  storedRing,
  withdrawn
} from './signing-ring.ts'

const SIGNING_KEYS: Kind<StoredRing> = { name: 'signing-keys' }
const ID = 'current'

/** The private JWKS: the first key signs. A store without keys, or without a next one, is given them. */
export async function loadSigningKeys(store: Store, now: () => number): Promise<{ keys: JWK[] }> {
  return keySetOf((await completeRing(store, now)).ring, now())
}

/** As loadSigningKeys, but changes nothing: undefined where there are none. */
export async function readSigningKeys(store: Store, now: () => number): Promise<{ keys: JWK[] } | undefined> {
  const stored = await store.get(SIGNING_KEYS, ID)
  return stored && keySetOf(ringOf(stored), now())
}

interface FoundRing {
  ring: SigningRing
  version: Version
}

/** The ring as the store holds it, with a next key. Of several processes that make one at once, all go on with what one wrote. */
async function completeRing(store: Store, now: () => number): Promise<FoundRing> {
  for (;;) {
    const stored = await store.read(SIGNING_KEYS, ID)
    const ring = stored && ringOf(stored.record)
    if (stored && ring?.next) return { ring, version: stored.version }
    if (stored && ring) {
      const completed = { ...ring, next: await newKey(now()) }
      await store.commit([{ kind: SIGNING_KEYS, id: ID, record: storedRing(completed), ifVersion: stored.version }])
    } else {
      const [active, next] = await Promise.all([newKey(now()), newKey(now())])
      await store.create(SIGNING_KEYS, ID, storedRing({ active: { ...active, activatedAt: now() }, next, retired: [] }))
    }
  }
}

export type Rotation =
  | { ok: true; kid: string }
  | { ok: false; reason: 'too-soon'; from: number }
  | { ok: false; reason: 'changed-meanwhile' }

interface RotationOptions {
  store: Store
  now: () => number
  /** In milliseconds. */
  idTokenLifetime: number
  /** Called with the key that is about to sign, before anything changes. */
  onBefore: (kid: string) => Promise<void>
  publishedFirst?: number
}

/** The next key signs from now on, a new next one is published, and the one that signed retires. */
export async function rotateSigningKeys(options: RotationOptions): Promise<Rotation> {
  const { store, now, idTokenLifetime, onBefore, publishedFirst } = options
  const { ring, version } = await completeRing(store, now)
  const from = rotatableFrom(ring, publishedFirst)
  if (!(from <= now())) return { ok: false, reason: 'too-soon', from }
  // Made first: it takes its time, and what it is said to be published since must not lie before that.
  const newNext = await newKey(now())
  const after = rotated(ring, { now: now(), newNext: { ...newNext, createdAt: now() }, idTokenLifetime })
  const kid = after.active.jwk.kid ?? ''
  await onBefore(kid)
  const written = await store.commit([{ kind: SIGNING_KEYS, id: ID, record: storedRing(after), ifVersion: version }])
  return written ? { ok: true, kid } : { ok: false, reason: 'changed-meanwhile' }
}

export type Withdrawal =
  | { ok: true; active: string }
  | { ok: false; reason: 'unknown'; published: string[] }
  | { ok: false; reason: 'changed-meanwhile' }

interface WithdrawalOptions {
  store: Store
  now: () => number
  kid: string
  /** Called before anything changes, with the key that signs afterwards. */
  onBefore: (active: string) => Promise<void>
}

/** A key that somebody else may know is published no more, at once: nothing that it signed is believed from then on. */
export async function withdrawSigningKey({ store, now, kid, onBefore }: WithdrawalOptions): Promise<Withdrawal> {
  const { ring, version } = await completeRing(store, now)
  const after = withdrawn(ring, kid, { now: now(), newNext: await newKey(now()) })
  if (!after) return { ok: false, reason: 'unknown', published: keySetOf(ring, now()).keys.map((key) => key.kid ?? '') }
  const active = after.active.jwk.kid ?? ''
  await onBefore(active)
  const written = await store.commit([{ kind: SIGNING_KEYS, id: ID, record: storedRing(after), ifVersion: version }])
  return written ? { ok: true, active } : { ok: false, reason: 'changed-meanwhile' }
}

async function newKey(createdAt: number): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair('RS256', { modulusLength: 3072, extractable: true })
  const jwk = await exportJWK(privateKey)
  return { jwk: { ...jwk, kid: await calculateJwkThumbprint(jwk), use: 'sig', alg: 'RS256' }, createdAt }
}
