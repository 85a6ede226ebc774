/**
 * id_tokens: who has signed in, when and how, and with which FHIR resource that is.
 * Signed by RS256, which every SMART app verifies, with the key of the ring that signs now.
 * OIDC Core §2, §12.2; SMART App Launch 2.2, "Scopes for requesting identity data"
 */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import type { JWK } from 'jose'
import type { FhirServer } from '../../config/config.ts'
import type { Access } from '../access.ts'
import { absoluteFhirUser } from '../account-claims.ts'
import type { Source } from './records.ts'

export interface IdTokens {
  /** Undefined without the scope openid. */
  issue(source: Source, access: Access, scopes: readonly string[]): Promise<string | undefined>
  /** From here on the first of these signs. Keys that can't sign leave it as it was. */
  replaceKeys(keys: { keys: JWK[] }): void
}

interface Deps {
  issuer: string
  fhirServers: readonly FhirServer[]
  keys: { keys: JWK[] }
  /** In seconds. */
  lifetime: number
  now: () => number
}

// In the thread pool: a signature takes a millisecond, in which this process can answer others.
const signAside = promisify(sign)

export function createIdTokens({ issuer, fhirServers, keys, lifetime, now }: Deps): IdTokens {
  let signing = signerOf(keys)

  return {
    async issue(source, { account, client, grant }, scopes) {
      if (!scopes.includes('openid')) return undefined
      const fhirServer = fhirServers.find(({ id }) => id === grant.fhirServer)
      const knows = (scope: string): boolean => scopes.includes(scope)
      const fhirUser = fhirServer && (knows('fhirUser') || knows('profile')) ? absoluteFhirUser(account, fhirServer) : undefined
      const iat = Math.floor(now() / 1000)
      const claims = {
        iss: issuer,
        sub: account.sub,
        aud: client.client_id,
        exp: iat + lifetime,
        iat,
        auth_time: source.authTime,
        nonce: source.nonce,
        amr: source.amr,
        ...(knows('profile') ? { name: account.name } : {}),
        ...(fhirUser === undefined ? {} : { fhirUser })
      }
      const { header, key } = signing
      const signed = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
      return `${signed}.${(await signAside('sha256', Buffer.from(signed), key)).toString('base64url')}`
    },
    replaceKeys(changed) {
      signing = signerOf(changed)
    }
  }
}

/** The key that signs, as an object, and the header that names it: each made once. */
function signerOf({ keys }: { keys: JWK[] }): { header: string; key: KeyObject } {
  const [jwk] = keys
  if (jwk?.alg !== 'RS256' || jwk.kid === undefined) throw new Error('the key that signs must be for RS256, and have a kid')
  const header = Buffer.from(JSON.stringify({ alg: 'RS256', kid: jwk.kid })).toString('base64url')
  return { header, key: createPrivateKey({ key: jwk, format: 'jwk' }) }
}
