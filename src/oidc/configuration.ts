/**
 * The engine's configuration: which of its features are on, and which function of ours answers each of its questions.
 * It signs people in and writes codes; tokens are none of its business (token/routes.ts).
 */
import type { AdapterFactory, ClientAuthMethod, Configuration, interactionPolicy, JWKS, KoaContextWithOIDC } from 'oidc-provider'
import type { Accounts } from '../accounts/accounts.ts'
import type { Config } from '../config/config.ts'
import { ASSERTION_ALGORITHMS } from '../config/public-jwk.ts'
import { fhirServerAt } from '../smart/fhir-servers.ts'
import { fhirServerOf, resourceServerFor } from '../smart/resource-server.ts'
import { permittedScopes, splitScope } from '../smart/scope-policy.ts'
import { cookieSigning } from '../web/cookie-signing.ts'
import { engineAccount } from './account-claims.ts'
import { accountOnce } from './account-once.ts'
import { renderEngineError } from './error-page.ts'
import type { existingGrant } from './existing-grant.ts'
import { lifetimesFor } from './lifetimes.ts'
import type { requestChecks } from './request-checks.ts'

interface Deps {
  config: Config
  cookieKeys: string[]
  jwks: JWKS
  adapter: AdapterFactory
  accounts: Accounts
  policy: interactionPolicy.Prompt[]
  checks: ReturnType<typeof requestChecks>
  loadExistingGrant: ReturnType<typeof existingGrant>
  now: () => number
}

const CLIENT_AUTH_METHODS: ClientAuthMethod[] = ['none', 'client_secret_basic', 'private_key_jwt']

export function engineConfiguration(deps: Deps): Configuration {
  const { config, cookieKeys, jwks, adapter, accounts, policy, checks, loadExistingGrant, now } = deps
  const { fhirServers, issuer, lifetimes } = config

  const accountOf = accountOnce(accounts)

  async function findAccount(ctx: KoaContextWithOIDC, sub: string) {
    const account = await accountOf(ctx, sub)
    if (!account || account.disabled) return undefined
    return engineAccount(account, fhirServerAt(fhirServers, ctx.oidc.params?.aud))
  }

  return {
    adapter,
    jwks,
    findAccount,
    loadExistingGrant,
    clientAuthMethods: CLIENT_AUTH_METHODS,
    responseTypes: ['code'],
    allowOmittingSingleRegisteredRedirectUri: false,
    scopes: ['openid', 'offline_access', 'online_access'],
    claims: { openid: ['sub', 'auth_time', 'amr'], fhirUser: ['fhirUser'], profile: ['name', 'fhirUser'] },
    pkce: { required: () => true },
    // One Grant per client and session would let one launch end another: access.ts looks at the session itself.
    expiresWithSession: () => false,
    extraClientMetadata: { properties: ['smart_scope', 'disabled', 'sandbox'] },
    extraParams: checks,
    enabledJWA: { idTokenSigningAlgValues: ['RS256'], clientAuthSigningAlgValues: [...ASSERTION_ALGORITHMS] },
    interactions: { policy, url: (_ctx, { uid, prompt }) => `/interaction/${uid}/${prompt.name}` },
    routes: { authorization: '/authorize', token: '/token', jwks: '/jwks' },
    renderError: renderEngineError,
    ttl: lifetimesFor(lifetimes, now),
    cookies: cookiesFor(issuer, cookieKeys),
    discovery: {
      revocation_endpoint: `${issuer}/revoke`,
      revocation_endpoint_auth_methods_supported: CLIENT_AUTH_METHODS,
      revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
      introspection_endpoint: `${issuer}/introspect`,
      // RFC 8414 §2: beside methods, types of access tokens.
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'private_key_jwt', 'Bearer'],
      introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
      pushed_authorization_request_endpoint: `${issuer}/par`,
      ...(config.registration.enabled ? { registration_endpoint: `${issuer}/register` } : {}),
      request_parameter_supported: true,
      request_object_signing_alg_values_supported: ASSERTION_ALGORITHMS,
      service_documentation: undefined
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      introspection: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      resourceIndicators: {
        enabled: true,
        // SMART names the FHIR server by aud; request-checks.ts refuses what is none of ours.
        defaultResource: (ctx, _client, oneOf) => oneOf?.[0] ?? fhirServerAt(fhirServers, ctx.oidc.params?.aud)?.baseUrl ?? [],
        getResourceServerInfo(ctx, resource, client) {
          const asked = splitScope(typeof ctx.oidc.params?.scope === 'string' ? ctx.oidc.params.scope : '')
          const fhirServer = fhirServerOf(fhirServers, resource)
          const registered = splitScope(String(client.smart_scope ?? ''))
          const scopes = permittedScopes(asked, registered, 'person', fhirServer.enforces)
          return resourceServerFor(fhirServer, scopes, lifetimes.accessToken)
        }
      }
    }
  }
}

/** `__Host-` and `__Secure-` where the issuer is https; plain names in a demo over http, where script clients would drop them. */
function cookiesFor(issuer: string, keys: string[]): NonNullable<Configuration['cookies']> {
  const secure = issuer.startsWith('https:')
  const flags = { httpOnly: true, sameSite: 'lax', secure, signed: true } as const
  return {
    keys: cookieSigning(keys),
    names: {
      session: secure ? '__Host-keyward_session' : 'keyward_session',
      interaction: secure ? '__Secure-keyward_interaction' : 'keyward_interaction',
      resume: secure ? '__Secure-keyward_resume' : 'keyward_resume'
    },
    long: flags,
    short: flags
  }
}
