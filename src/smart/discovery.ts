/**
 * The discovery document of a FHIR server, SMART App Launch 2.2 "Conformance":
 * served here, and passed through by the FHIR server itself at its base URL.
 */
import type { Middleware } from 'koa'
import type { Config, FhirServer } from '../config/config.ts'
import { ASSERTION_ALGORITHMS } from '../config/public-jwk.ts'
import { asksForOpen } from '../web/open-document.ts'
import { offeredContexts } from './asked-context.ts'
import { brandMembers } from './brands.ts'
import { CONTEXT_SCOPES, LASTING_SCOPES } from './scope-policy.ts'

/** Each is a promise: listed only because the feature is there. */
const CAPABILITIES = [
  'launch-ehr',
  'launch-standalone',
  'authorize-post',
  'client-public',
  'client-confidential-symmetric',
  'client-confidential-asymmetric',
  'sso-openid-connect',
  'context-banner',
  'context-style',
  'context-ehr-patient',
  'context-ehr-encounter',
  'context-standalone-patient',
  'permission-offline',
  'permission-online',
  'permission-patient',
  'permission-user',
  'permission-v1',
  'permission-v2'
]

/** Of all metadata: not exhaustive, everything in it is supported, at every FHIR server: not every one can be searched for a visit. */
export const SCOPES_SUPPORTED: readonly string[] = [
  ...CONTEXT_SCOPES.filter((scope) => scope !== 'launch/encounter'),
  ...LASTING_SCOPES,
  'patient/*.rs',
  'user/*.rs',
  'system/*.rs',
  'patient/*.cruds',
  'user/*.cruds',
  'system/*.cruds'
]

/** Of all metadata. */
export const GRANT_TYPES_SUPPORTED: readonly string[] = ['authorization_code', 'refresh_token', 'client_credentials']

function smartConfiguration(issuer: string, registers: boolean): Record<string, unknown> {
  return {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    introspection_endpoint: `${issuer}/introspect`,
    revocation_endpoint: `${issuer}/revoke`,
    pushed_authorization_request_endpoint: `${issuer}/par`,
    ...(registers ? { registration_endpoint: `${issuer}/register` } : {}),
    management_endpoint: `${issuer}/account`,
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    grant_types_supported: GRANT_TYPES_SUPPORTED,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: SCOPES_SUPPORTED,
    capabilities: CAPABILITIES
  }
}

type Served = Pick<Config, 'issuer' | 'registration' | 'brands'> & { fhirServers: readonly FhirServer[] }

/** What Keyward offers differs between FHIR servers only by what it may search there; whose they are does. */
export function smartDiscovery({ issuer, fhirServers, registration, brands }: Served): Middleware {
  const offered = smartConfiguration(issuer, registration.enabled)
  const documents = new Map(
    fhirServers.map((server) => [
      `/fhir/${server.id}/.well-known/smart-configuration`,
      Buffer.from(JSON.stringify({ ...offered, ...searchMembers(server), ...brandMembers(issuer, brands, server) }))
    ])
  )
  return (ctx, next) => {
    const body = documents.get(ctx.path)
    const asked = body && asksForOpen(ctx)
    if (asked === undefined) return next()
    if (asked === 'answered') return
    ctx.set('Cache-Control', 'public, max-age=300')
    ctx.type = 'application/json'
    ctx.body = body
  }
}

/** Where Keyward may search, the person of a standalone launch picks a visit, or another record. */
function searchMembers({ patientSearch }: FhirServer): { capabilities?: string[]; scopes_supported?: string[] } {
  if (!patientSearch) return {}
  return {
    capabilities: [...CAPABILITIES, 'context-standalone-encounter'],
    scopes_supported: [...SCOPES_SUPPORTED, ...offeredContexts]
  }
}
