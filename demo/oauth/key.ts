/** A client's key pair: new at each start, its public half published where Keyward fetches it. Signs what proves who the client is. */
import { generateKeyPairSync, type JsonWebKey, randomUUID, sign } from 'node:crypto'

export interface ClientKey {
  publicJwk: JsonWebKey & { kid: string }
  /** A JWT of these claims for five minutes at most. */
  sign(claims: Record<string, string>): string
}

const lifetime = 240

export function newKey(): ClientKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const kid = randomUUID()
  return {
    publicJwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES384', use: 'sig' },
    sign(claims) {
      const now = Math.floor(Date.now() / 1000)
      const content = [
        { typ: 'JWT', alg: 'ES384', kid },
        { ...claims, iat: now, exp: now + lifetime, jti: randomUUID() }
      ]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.')
      const signature = sign('sha384', Buffer.from(content), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      return `${content}.${signature.toString('base64url')}`
    }
  }
}
