/**
 * A client's JWK Set: the one key that an assertion names. Keys are read when they
 * are first asked for, and once.
 *
 * SMART App Launch 2.2, "Signature Verification": one key with the kid, of the kty that fits, or none
 */
import type { KeyObject } from 'node:crypto'
import { type AssertionAlgorithm, KEY_TYPES, readPublicJwk } from '../config/public-jwk.ts'

export interface KeySet {
  /** Where there is no such key, or it can't be used: why, a fixed text. */
  find(kid: string, alg: AssertionAlgorithm): KeyObject | KeyProblem
}

export type KeyProblem = 'no-such-key' | 'several-such-keys' | 'weak-key'

/** Undefined where it is no JWK Set. RFC 7517 §5 */
export function readKeySet(given: unknown): KeySet | undefined {
  const members: unknown = typeof given === 'object' && given !== null ? Reflect.get(given, 'keys') : undefined
  if (!Array.isArray(members)) return undefined
  const keys = members.filter((one): one is object => typeof one === 'object' && one !== null)
  const read = new Map<string, KeyObject | KeyProblem>()

  function look(kid: string, alg: AssertionAlgorithm): KeyObject | KeyProblem {
    const [key, ...others] = keys.filter((one) => Reflect.get(one, 'kid') === kid && Reflect.get(one, 'kty') === KEY_TYPES[alg])
    if (!key) return 'no-such-key'
    if (others.length > 0) return 'several-such-keys'
    const usable = readPublicJwk(key)
    return typeof usable === 'string' ? 'weak-key' : usable.key
  }

  return {
    find(kid, alg) {
      const name = `${alg} ${kid}`
      const known = read.get(name)
      if (known !== undefined) return known
      const found = look(kid, alg)
      // What isn't there is asked for by anybody, under any name: only what is there is kept.
      if (found !== 'no-such-key') read.set(name, found)
      return found
    }
  }
}
