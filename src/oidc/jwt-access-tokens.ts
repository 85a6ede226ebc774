/**
 * Access tokens that a FHIR server can check by itself: for one that can verify signatures and not ask. Each is stored
 * like every other access token, so that introspection and revocation know its true state; the app gets a signed JWT in
 * place of the id. The id alone, which stands in the JWT, is worth nothing anywhere. RFC 9068
 */
import type { Config } from '../config/config.ts'
import type { Access } from './access.ts'
import { claimsOfPerson, claimsOfService } from './access-claims.ts'
import { isOpaque, isSigned } from './access-token-format.ts'
import type { SystemToken } from './system-tokens.ts'
import type { TokenSigner } from './token-signer.ts'

/** What is known of an access token of a person as it is given out. */
interface Given {
  id: string
  aud: string
  scope: string
  iat: number
  exp: number
}

export interface AccessTokenValues {
  /** What the app gets for an access token of a person, and for one of a backend service. */
  ofPerson(given: Given, access: Access): string | Promise<string>
  ofService(token: SystemToken): string | Promise<string>
  /** The id under which the token lies that somebody shows; undefined: it is none of ours. */
  idOf(value: string): string | undefined | Promise<string | undefined>
}

interface Deps {
  issuer: string
  fhirServers: Config['fhirServers']
  signer: TokenSigner
}

export function createAccessTokenValues({ issuer, fhirServers, signer }: Deps): AccessTokenValues {
  async function idInJwt(value: string): Promise<string | undefined> {
    const { jti } = (await signer.claimsOf(value, 'at+jwt')) ?? {}
    return typeof jti === 'string' && isSigned(jti) ? jti : undefined
  }

  return {
    ofPerson({ id, scope, ...facts }, access) {
      if (!isSigned(id)) return id
      const fhirServer = fhirServers.find((one) => one.id === access.grant.fhirServer)
      if (!fhirServer) throw new Error('an access token is for a FHIR server that is not configured')
      const claims = claimsOfPerson(issuer, facts, access, scope.split(' '), fhirServer)
      return signer.sign({ ...claims, jti: id }, 'at+jwt')
    },
    ofService(token) {
      if (!isSigned(token.jti)) return token.jti
      return signer.sign({ ...claimsOfService(issuer, token, token.scope.split(' ')), jti: token.jti }, 'at+jwt')
    },
    // Access tokens alone have this prefix: no other stored id passes as one.
    idOf: (value) => (isOpaque(value) ? value : value.startsWith('ey') ? idInJwt(value) : undefined)
  }
}
