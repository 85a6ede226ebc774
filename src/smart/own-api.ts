/**
 * Keyward's own API: what its scopes are, and who may have them. A client gets
 * them by client_credentials, with a key and never with a shared secret, for the issuer as audience: such
 * a token is no token of any FHIR server.
 */
import type { ClientConfig } from '../config/config.ts'
import { splitScope } from './scope-policy.ts'

/** To mint launch contexts, as an EHR does; to introspect by bearer token, as a FHIR server may. */
export type OwnScope = '__launch_context' | '__introspect'

const OWN_SCOPES: ReadonlySet<string> = new Set<OwnScope>(['__launch_context', '__introspect'])

export function isOwnScope(scope: string): boolean {
  return OWN_SCOPES.has(scope)
}

/** Of what a client asks for, what its registration lists, word for word, at this moment. */
export function ownScopesOf(asked: readonly string[], client: ClientConfig): string[] {
  const { grant_types: grants, token_endpoint_auth_method: method } = client
  if (method !== 'private_key_jwt' || !grants.includes('client_credentials')) return []
  const registered = splitScope(client.smart_scope)
  return [...new Set(asked)].filter((scope) => isOwnScope(scope) && registered.includes(scope))
}
