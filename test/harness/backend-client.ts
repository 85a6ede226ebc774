/** A client that authenticates by assertions: its keys, and what it signs. Everything in an assertion can be spoilt. */
import { generateKeyPairSync, type JsonWebKey, type KeyObject, randomUUID, sign } from 'node:crypto'

export type Alg = 'RS384' | 'ES384'

export interface ClientKey {
  alg: Alg
  kid: string
  privateKey: KeyObject
  /** The public key as it is registered. */
  jwk: JsonWebKey & { kid: string }
}

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export function newClientKey(alg: Alg, kid: string = randomUUID()): ClientKey {
  const { privateKey, publicKey } =
    alg === 'RS384' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-384' })
  return { alg, kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } }
}

/** Members that are undefined are left out. */
export type Changes = Record<string, unknown>

export function claimsOf(clientId: string, aud: string, changes: Changes = {}): Changes {
  const now = Math.floor(Date.now() / 1000)
  return { iss: clientId, sub: clientId, aud, iat: now, exp: now + 300, jti: randomUUID(), ...changes }
}

export function signed({ alg, kid, privateKey }: ClientKey, claims: Changes, header: Changes = {}): string {
  const content = `${encoded({ typ: 'JWT', alg, kid, ...header })}.${encoded(claims)}`
  const signature = sign('sha384', Buffer.from(content), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${content}.${signature.toString('base64url')}`
}

export function assertionForm(assertion: string): { client_assertion_type: string; client_assertion: string } {
  return { client_assertion_type: ASSERTION_TYPE, client_assertion: assertion }
}

export const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
