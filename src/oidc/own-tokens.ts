/**
 * The access tokens with which Keyward itself asks a FHIR server, at a person's
 * request: for one type, to read and search, for less than a minute. Their client is the name in
 * `patientSearch.as`, which is no client (config/rules.ts): nobody can get such a token, or do anything in that name.
 */
import type { AuditTrail } from '../audit/trail.ts'
import type { FhirServer } from '../config/config.ts'
import { type Asking, createFhirClient, type FhirClient } from '../fhir/fhir-client.ts'
import type { Store } from '../store/store.ts'
import type { AccessTokenValues } from './jwt-access-tokens.ts'
import { newSystemToken, systemTokens } from './system-tokens.ts'

interface Deps {
  fhirServers: readonly FhirServer[]
  store: Pick<Store, 'put'>
  audit: AuditTrail
  accessTokenValues: Pick<AccessTokenValues, 'ofService'>
  now: () => number
}

/** In seconds: one answer is waited for, and the server may look at the token more than once. */
const LIFETIME = 30

/** Keyward as a client of the FHIR servers that it may search. */
export function fhirClientWithOwnTokens({ fhirServers, store, audit, accessTokenValues, now }: Deps): FhirClient {
  async function tokenFor({ fhirServer, resourceType, source }: Asking): Promise<string> {
    const { id, baseUrl: aud, accessTokenFormat: format = 'opaque', patientSearch } = fhirServer
    if (!patientSearch) throw new Error(`the FHIR server ${id} is not to be asked: it has no patientSearch`)
    const { as: clientId } = patientSearch
    const scope = `system/${resourceType}.rs`
    const token = newSystemToken({ clientId, aud, scope }, { iat: Math.floor(now() / 1000), lifetime: LIFETIME, format })
    const [value] = await Promise.all([
      accessTokenValues.ofService(token),
      audit.record(source, { type: 'token', outcome: 'issued', grantType: 'own', clientId, fhirServer: id, scopes: [scope] }),
      store.put(systemTokens, token.jti, token, { expiresAt: token.exp * 1000 })
    ])
    return value
  }
  return createFhirClient({ fhirServers: fhirServers.filter(({ patientSearch }) => patientSearch), tokenFor, now })
}
