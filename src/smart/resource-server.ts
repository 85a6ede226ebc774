/** A FHIR server as the engine knows it: a resource whose scopes are those in play that it may be asked for. RFC 8707 */
import { errors, type ResourceServer } from 'oidc-provider'
import type { FhirServer } from '../config/config.ts'
import { fhirServerAt } from './fhir-servers.ts'

export function fhirServerOf(servers: readonly FhirServer[], baseUrl: string): FhirServer {
  const fhirServer = fhirServerAt(servers, baseUrl)
  if (!fhirServer) throw new errors.InvalidTarget('this is not the base URL of a FHIR server that Keyward authorizes for')
  return fhirServer
}

export function resourceServerFor({ baseUrl }: FhirServer, scopes: readonly string[], accessTokenTTL: number): ResourceServer {
  return { scope: scopes.join(' '), audience: baseUrl, accessTokenFormat: 'opaque', accessTokenTTL }
}
