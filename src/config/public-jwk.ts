/**
 * The public keys with which clients sign their assertions: which of a JWK Set
 * can be used at all. Asked of what an operator writes and of what a client's
 * `jwks_uri` answers alike.
 *
 * RFC 7517, RFC 7518 §6; SMART App Launch 2.2, "Registering a client with a public key"
 */
import { createPublicKey, type KeyObject } from 'node:crypto'

export const ASSERTION_ALGORITHMS = ['RS384', 'ES384'] as const
export type AssertionAlgorithm = (typeof ASSERTION_ALGORITHMS)[number]

/** The `kty` of the keys that fit each. */
export const KEY_TYPES: Readonly<Record<AssertionAlgorithm, string>> = { RS384: 'RSA', ES384: 'EC' }

const LEAST_RSA_BITS = 2048
/** Verifying costs more than proportionally to the length, and who owns the key chooses it. */
const MOST_RSA_BITS = 8192
/** FIPS 186-5 §5.4; a smaller exponent has been forged under more than once. */
const LEAST_RSA_EXPONENT = 65_537n

/** RFC 7518 §6.2.2, §6.3.2, §6.4: members of a private or symmetric key. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** The key, or what is wrong with it as the end of a sentence. */
export function readPublicJwk(jwk: object): { alg: AssertionAlgorithm; key: KeyObject } | string {
  const member = (name: string): unknown => Reflect.get(jwk, name)
  const alg = ASSERTION_ALGORITHMS.find((one) => KEY_TYPES[one] === member('kty'))
  if (!alg) return 'must have the kty RSA or EC'
  if (PRIVATE_MEMBERS.some((name) => member(name) !== undefined)) return 'must be a public key, without private parts'
  if (member('alg') !== undefined && member('alg') !== alg) return `must have the alg ${alg}, or none`
  if (member('use') !== undefined && member('use') !== 'sig') return 'must have the use sig, or none'
  if (!verifies(member('key_ops'))) return 'must have verify among its key_ops, or none'
  const key = keyOf(jwk)
  if (!key) return 'must be a complete JSON Web Key'
  return keyProblem(key) ?? { alg, key }
}

function verifies(keyOps: unknown): boolean {
  return keyOps === undefined || (Array.isArray(keyOps) && keyOps.includes('verify'))
}

function keyOf(jwk: object): KeyObject | undefined {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' })
  } catch {
    return undefined
  }
}

function keyProblem({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): string | undefined {
  const { modulusLength = 0, publicExponent = 0n, namedCurve } = asymmetricKeyDetails
  if (asymmetricKeyType === 'ec') return namedCurve === 'secp384r1' ? undefined : 'must be on the curve P-384'
  if (modulusLength < LEAST_RSA_BITS || modulusLength > MOST_RSA_BITS)
    return `must have ${LEAST_RSA_BITS} to ${MOST_RSA_BITS} bits`
  return publicExponent < LEAST_RSA_EXPONENT ? `must have a public exponent of at least ${LEAST_RSA_EXPONENT}` : undefined
}
