/**
 * What a backend service may be granted: of what it asks for and what its
 * registration holds, what both have in common. Nobody is asked; the registration is the
 * permission.
 *
 * SMART App Launch 2.2, "Backend Services"
 */
import type { ClientConfig, FhirServer } from '../config/config.ts'
import { parseResourceScope } from '../smart-scopes/resource-scope.ts'
import { permittedScopes, splitScope, within } from './scope-policy.ts'

export function grantedToService(asked: readonly string[], client: ClientConfig, { enforces }: FhirServer): string[] {
  const registered = splitScope(client.smart_scope).filter(isSystemScope)
  return permittedScopes(within(registered, asked.filter(isSystemScope), enforces), registered, 'system', enforces)
}

/** The FHIR servers for which a client may get tokens: those that it was given, or the only one there is. */
export function fhirServersOf({ fhir_servers: given }: ClientConfig, fhirServers: readonly FhirServer[]): FhirServer[] {
  if (given.length === 0) return fhirServers.length === 1 ? [...fhirServers] : []
  return fhirServers.filter(({ id }) => given.includes(id))
}

function isSystemScope(scope: string): boolean {
  return parseResourceScope(scope)?.context === 'system'
}
