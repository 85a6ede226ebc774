/** For which FHIR server an access token is, and in which form: the one that was authorized, and a request may name no other. RFC 8707 §2.2 */
import type { FhirServer } from '../../config/config.ts'
import { fhirServerAt } from '../../smart/fhir-servers.ts'
import type { Access } from '../access.ts'
import type { AccessTokenFormat } from '../access-token-format.ts'
import { partiesOf } from './grant.ts'
import type { Source } from './records.ts'
import { TokenRefusal } from './refusal.ts'

export interface Resources {
  /** The base URL at which the token is good, and the form that it has there. */
  audienceOf(source: Source, access: Access, named: readonly string[]): { aud: string; format: AccessTokenFormat }
}

export function createResources(fhirServers: readonly FhirServer[]): Resources {
  return {
    audienceOf({ resource }, { grant }, named) {
      const parties = partiesOf(grant)
      const fhirServer = fhirServerAt(fhirServers, resource)
      if (resource === undefined || fhirServer === undefined || fhirServer.id !== grant.fhirServer)
        throw new TokenRefusal('invalid_target', 'the FHIR server of this authorization is not known here any more', { parties })
      if (named.some((one) => fhirServerAt(fhirServers, one)?.id !== fhirServer.id))
        throw new TokenRefusal('invalid_target', 'resource must be the FHIR server of the authorization request', { parties })
      return { aud: resource, format: fhirServer.accessTokenFormat ?? 'opaque' }
    }
  }
}
