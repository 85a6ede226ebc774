/**
 * The access tokens of backend services: of a client by itself, without a person,
 * a consent or a Grant; and of Keyward itself, where it asks a FHIR server (own-tokens.ts). What one is worth is looked up each time in what the
 * client is registered for now, so a client that is disabled, or given less, has
 * less at once.
 */
import type { Clients } from '../clients/clients.ts'
import type { ClientConfig, FhirServer } from '../config/config.ts'
import { fhirServersOf, grantedToService } from '../smart/system-scopes.ts'
import { newIdBeside, newTaggedId } from '../store/slot.ts'
import type { Kind } from '../store/store.ts'
import { type AccessTokenFormat, lifetimeOf, prefixOf } from './access-token-format.ts'

export interface SystemToken {
  kind: 'AccessToken'
  jti: string
  /** Both in seconds. */
  iat: number
  exp: number
  clientId: string
  gty: typeof CLIENT_CREDENTIALS
  /** The base URL of the FHIR server; the issuer, where it is for Keyward's own API. */
  aud: string
  scope: string
}

const CLIENT_CREDENTIALS = 'client_credentials'

/** Beside the access tokens of people: whoever is shown one can't know which it is. */
export const systemTokens: Kind<SystemToken> = { name: 'AccessToken' }

/** Under this name the engine and token/records.ts write no grant type of their own. */
export function isSystemToken(record: { gty?: unknown }): record is SystemToken {
  return record.gty === CLIENT_CREDENTIALS
}

export function newSystemToken(
  about: Pick<SystemToken, 'clientId' | 'aud' | 'scope'>,
  { iat, lifetime, format }: { iat: number; lifetime: number; format: AccessTokenFormat }
): SystemToken {
  const jti = newIdBeside(newTaggedId(), prefixOf(format))
  return { iat, exp: iat + lifetimeOf(format, lifetime), ...about, gty: CLIENT_CREDENTIALS, kind: 'AccessToken', jti }
}

/** What a token gives at this moment at the FHIR server that asks; undefined: nothing. */
export async function systemAccess(
  { clientId, scope }: SystemToken,
  fhirServer: FhirServer,
  { clients, fhirServers }: { clients: Pick<Clients, 'find'>; fhirServers: readonly FhirServer[] }
): Promise<{ scopes: string[] } | undefined> {
  // Keyward itself, which made the token for what it asks this server: nobody else can have one of that name (own-tokens.ts).
  if (clientId === fhirServer.patientSearch?.as) return { scopes: scope.split(' ') }
  const client = await clients.find(clientId)
  if (!client || client.disabled || !mayServe(client, fhirServer, fhirServers)) return undefined
  const scopes = grantedToService(scope.split(' '), client, fhirServer)
  return scopes.length === 0 ? undefined : { scopes }
}

function mayServe(client: ClientConfig, { id }: FhirServer, fhirServers: readonly FhirServer[]): boolean {
  const { grant_types: grants, token_endpoint_auth_method: method } = client
  if (method !== 'private_key_jwt' || !grants.includes(CLIENT_CREDENTIALS)) return false
  return fhirServersOf(client, fhirServers).some((one) => one.id === id)
}
