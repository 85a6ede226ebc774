/**
 * id_tokens: who has signed in, when and how, and with which FHIR resource that is.
 * OIDC Core §2, §12.2; SMART App Launch 2.2, "Scopes for requesting identity data"
 */
import type { FhirServer } from '../../config/config.ts'
import type { Access } from '../access.ts'
import { absoluteFhirUser } from '../account-claims.ts'
import type { TokenSigner } from '../token-signer.ts'
import type { Source } from './records.ts'

export interface IdTokens {
  /** Undefined without the scope openid. */
  issue(source: Source, access: Access, scopes: readonly string[]): Promise<string | undefined>
}

interface Deps {
  issuer: string
  fhirServers: readonly FhirServer[]
  signer: TokenSigner
  /** In seconds. */
  lifetime: number
  now: () => number
}

export function createIdTokens({ issuer, fhirServers, signer, lifetime, now }: Deps): IdTokens {
  return {
    async issue(source, { account, client, grant }, scopes) {
      if (!scopes.includes('openid')) return undefined
      const fhirServer = fhirServers.find(({ id }) => id === grant.fhirServer)
      const knows = (scope: string): boolean => scopes.includes(scope)
      const fhirUser = fhirServer && (knows('fhirUser') || knows('profile')) ? absoluteFhirUser(account, fhirServer) : undefined
      const iat = Math.floor(now() / 1000)
      return signer.sign({
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
      })
    }
  }
}
