/**
 * Which key verifies what a client has signed: the one registered key that the header names, inline or at its
 * jwks_uri. A jku is compared with what is registered, and never asked itself.
 *
 * SMART App Launch 2.2, "Signature Verification"
 */
import type { KeyObject } from 'node:crypto'
import type { ClientConfig } from '../config/config.ts'
import type { AssertionAlgorithm } from '../config/public-jwk.ts'
import { type KeyProblem, type KeySet, readKeySet } from './key-set.ts'
import type { RemoteKeys, RemoteKeysProblem } from './remote-keys.ts'

export interface NamedKey {
  alg: AssertionAlgorithm
  kid: string
  jku?: string | undefined
}

export interface ClientKeys {
  /** The key, or why there is none: a fixed text. */
  find(
    client: Pick<ClientConfig, 'jwks' | 'jwks_uri'>,
    named: NamedKey
  ): Promise<KeyObject | KeyProblem | RemoteKeysProblem | 'foreign-jku'>
}

export function createClientKeys({ remoteKeys }: { remoteKeys: RemoteKeys }): ClientKeys {
  const inline = new WeakMap<object, KeySet>()

  function keySetOf(jwks: NonNullable<ClientConfig['jwks']>): KeySet {
    const known = inline.get(jwks)
    if (known) return known
    const made = readKeySet(jwks)
    if (!made) throw new Error('a registered JWK Set is none')
    inline.set(jwks, made)
    return made
  }

  return {
    async find({ jwks, jwks_uri: uri }, { kid, alg, jku }) {
      if (jku !== undefined && jku !== uri) return 'foreign-jku'
      if (uri !== undefined) return remoteKeys.find(uri, kid, alg)
      return jwks ? keySetOf(jwks).find(kid, alg) : 'no-such-key'
    }
  }
}
