/**
 * The ring of keys that sign id_tokens and JWT access tokens, as rules: which signs, which are published, what a rotation
 * makes of it. It neither makes keys nor stores them: that is signing-keys.ts.
 */
import type { JWK } from 'jose'

export interface SigningKey {
  /** The private key; its `kid` names it. */
  jwk: JWK
  createdAt: number
  /** When it began to sign, and when it ended. */
  activatedAt?: number
  retiredAt?: number
  /** From then on no id_token that it signed is valid: it need not be published any more. */
  endsAt?: number
}

export interface SigningRing {
  /** The one that signs. */
  active: SigningKey
  /** Published before it signs, so that everybody knows it by then. */
  next?: SigningKey
  /** Sign no more, published while what they signed is valid. Youngest first. */
  retired: SigningKey[]
}

/**
 * As it is stored: in the order of publication, the one that signs first. Before there was a ring Keyward wrote, and read,
 * `jwk` and `createdAt` alone, published all and signed with the first: such a process can serve beside this one.
 */
export interface StoredRing {
  keys: (SigningKey & { state?: 'active' | 'next' | 'retired' })[]
}

/** In milliseconds. How long every key is published before it signs: no app may keep what it read at /jwks for longer. */
export const PUBLISHED_FIRST = 60 * 60 * 1000
/** Beyond the life of the last id_token: for a process that learns of the rotation a little later, and for clocks that differ. */
const MARGIN = 10 * 60 * 1000

export function ringOf({ keys }: StoredRing): SigningRing {
  const [first, ...others] = keys.map(({ state, ...key }) => ({ state: state ?? 'active', key }))
  if (first?.state !== 'active') throw new Error('the ring of signing keys has none that signs')
  const next = others.find(({ state }) => state === 'next')?.key
  const retired = others.filter(({ state }) => state !== 'next').map(({ key }) => key)
  return { active: first.key, retired, ...(next && { next }) }
}

export function storedRing({ active, next, retired }: SigningRing): StoredRing {
  return {
    keys: [
      { ...active, state: 'active' },
      ...(next ? [{ ...next, state: 'next' as const }] : []),
      ...retired.map((key) => ({ ...key, state: 'retired' as const }))
    ]
  }
}

/** What is published, private halves included. The engine signs with the first. */
export function keySetOf({ active, next, retired }: SigningRing, now: number): { keys: JWK[] } {
  const published = [active, ...(next ? [next] : []), ...unended(retired, now)]
  return { keys: published.map(({ jwk }) => jwk) }
}

/** From when on the next key may sign. */
export function rotatableFrom({ next }: SigningRing, publishedFirst = PUBLISHED_FIRST): number {
  return next ? next.createdAt + publishedFirst : Number.POSITIVE_INFINITY
}

/** `idTokenLifetime` in milliseconds: the old key is published until the last id_token that it signed has ended. */
export function rotated(
  { active, next, retired }: SigningRing,
  { now, newNext, idTokenLifetime }: { now: number; newNext: SigningKey; idTokenLifetime: number }
): SigningRing {
  if (!next) throw new Error('there is no next signing key')
  const leaving = { ...active, retiredAt: now, endsAt: now + idTokenLifetime + MARGIN }
  return { active: { ...next, activatedAt: now }, next: newNext, retired: [leaving, ...unended(retired, now)] }
}

/** `kid` is published no more, whatever it did; undefined where it is none of these. Where it signed, the next key does from now on. */
export function withdrawn(
  ring: SigningRing,
  kid: string,
  { now, newNext }: { now: number; newNext: SigningKey }
): SigningRing | undefined {
  const { active, next, retired } = ring
  const isMeant = ({ jwk }: SigningKey): boolean => jwk.kid === kid
  if (isMeant(active)) {
    if (!next) throw new Error('there is no next signing key')
    return { active: { ...next, activatedAt: now }, next: newNext, retired }
  }
  if (next && isMeant(next)) return { ...ring, next: newNext }
  return retired.some(isMeant) ? { ...ring, retired: retired.filter((key) => !isMeant(key)) } : undefined
}

const unended = (retired: SigningKey[], now: number): SigningKey[] =>
  retired.filter(({ endsAt }) => endsAt === undefined || endsAt > now)
