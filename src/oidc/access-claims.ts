/**
 * What FHIR servers are told of an access token, whether they ask (introspection.ts) or read it themselves
 * (jwt-access-tokens.ts): the same words either way. RFC 7662 §2.2, RFC 9068 §2.2
 */
import type { FhirServer } from '../config/config.ts'
import { contextMembers } from '../smart/token-response.ts'
import type { Access } from './access.ts'
import { absoluteFhirUser } from './account-claims.ts'
import type { SystemToken } from './system-tokens.ts'

interface Facts {
  aud: string
  /** Both in seconds. */
  iat: number | undefined
  exp: number
}

export function claimsOfPerson(
  issuer: string,
  { aud, iat, exp }: Facts,
  { account, client, grant }: Access,
  scopes: readonly string[],
  fhirServer: FhirServer
): Record<string, unknown> {
  const fhirUser = scopes.includes('fhirUser') ? absoluteFhirUser(account, fhirServer) : undefined
  return {
    iss: issuer,
    sub: account.sub,
    client_id: client.client_id,
    aud,
    scope: scopes.join(' '),
    iat,
    exp,
    ...contextMembers(grant.launchContext, scopes),
    ...(fhirUser ? { fhirUser } : {})
  }
}

/** Of a client by itself: there is no person, and so RFC 9068 §2.2 makes the client its subject. */
export function claimsOfService(
  issuer: string,
  { clientId, aud, iat, exp }: Pick<SystemToken, 'clientId' | 'aud' | 'iat' | 'exp'>,
  scopes: readonly string[]
): Record<string, unknown> {
  return { iss: issuer, sub: clientId, client_id: clientId, aud, scope: scopes.join(' '), iat, exp }
}
