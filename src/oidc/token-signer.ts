/**
 * What Keyward signs: JWTs by RS256, which every SMART app and FHIR server verifies, with the key of the ring that
 * signs now; and what it has signed itself, recognised. Which claims there are is said by who asks. RFC 7515, RFC 7518 §3.3
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { promisify } from 'node:util'
import type { JWK } from 'jose'

/** RFC 9068 §2.1: no id_token passes as an access token. */
type Typ = 'at+jwt'

export interface TokenSigner {
  sign(claims: object, typ?: Typ): Promise<string>
  /** The claims of a JWT that a published key of the ring has signed under this `typ`; undefined for everything else. */
  claimsOf(jwt: string, typ: Typ): Promise<Record<string, unknown> | undefined>
  /** From here on the first of these signs. Keys that can't sign leave it as it was. */
  replaceKeys(keys: { keys: JWK[] }): void
}

interface Keys {
  signing: { kid: string; key: KeyObject }
  /** By the header of an access token that it signed: Keyward writes that in one way only. */
  published: ReadonlyMap<string, KeyObject>
}

// In the thread pool: a signature takes a millisecond, in which this process can answer others.
const signAside = promisify(sign)
const verifyAside = promisify(verify)
const ALG = 'RS256'

export function createTokenSigner(keys: { keys: JWK[] }): TokenSigner {
  let { signing, published } = read(keys)

  return {
    async sign(claims, typ) {
      const { kid, key } = signing
      const signed = `${headerOf(kid, typ)}.${encoded(claims)}`
      return `${signed}.${(await signAside('sha256', Buffer.from(signed), key)).toString('base64url')}`
    },
    async claimsOf(jwt, typ) {
      const [header = '', payload = '', signature = '', ...more] = jwt.split('.')
      const key = typ === 'at+jwt' && more.length === 0 ? published.get(header) : undefined
      if (!key) return undefined
      const signed = Buffer.from(`${header}.${payload}`)
      if (!(await verifyAside('sha256', signed, key, Buffer.from(signature, 'base64url')))) return undefined
      return JSON.parse(Buffer.from(payload, 'base64url').toString())
    },
    replaceKeys(changed) {
      ;({ signing, published } = read(changed))
    }
  }
}

function read({ keys }: { keys: JWK[] }): Keys {
  const [jwk] = keys
  if (jwk?.alg !== ALG || jwk.kid === undefined) throw new Error('the key that signs must be for RS256, and have a kid')
  const published = new Map(
    keys.flatMap((one): [string, KeyObject][] =>
      one.kid === undefined ? [] : [[headerOf(one.kid, 'at+jwt'), createPublicKey(createPrivateKey({ key: one, format: 'jwk' }))]]
    )
  )
  return { signing: { kid: jwk.kid, key: createPrivateKey({ key: jwk, format: 'jwk' }) }, published }
}

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

const headerOf = (kid: string, typ?: Typ): string => encoded({ alg: ALG, kid, ...(typ && { typ }) })
