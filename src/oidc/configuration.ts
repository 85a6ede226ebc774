/** The engine's configuration: which of its features are on, and which function of ours answers each of its questions. */
import type { AdapterFactory, Configuration, interactionPolicy, JWKS, KoaContextWithOIDC } from 'oidc-provider'
import type { Accounts } from '../accounts/accounts.ts'
import type { Config } from '../config/config.ts'
import { fhirServerAt } from '../smart/fhir-servers.ts'
import { fhirServerOf, resourceServerFor } from '../smart/resource-server.ts'
import { lasts, permittedScopes, splitScope } from '../smart/scope-policy.ts'
import type { AccessCheck } from './access.ts'
import { engineAccount } from './account-claims.ts'
import { renderEngineError } from './error-page.ts'
import type { existingGrant } from './existing-grant.ts'
import { lifetimesFor } from './lifetimes.ts'
import type { requestChecks } from './request-checks.ts'
import { notesOf } from './request-notes.ts'

interface Deps {
  config: Config
  cookieKeys: string[]
  jwks: JWKS
  adapter: AdapterFactory
  accounts: Accounts
  access: AccessCheck
  policy: interactionPolicy.Prompt[]
  checks: ReturnType<typeof requestChecks>
  loadExistingGrant: ReturnType<typeof existingGrant>
  now: () => number
}

export function engineConfiguration(deps: Deps): Configuration {
  const { config, cookieKeys, jwks, adapter, accounts, access, policy, checks, loadExistingGrant, now } = deps
  const { fhirServers, issuer, lifetimes } = config

  /** For a person signing in: the account. For a code or refresh token: the account, while the token is worth anything. */
  async function findAccount(ctx: KoaContextWithOIDC, sub: string, token?: object) {
    if (token) {
      const found = await access.of(token)
      notesOf(ctx).access = found
      return (
        found &&
        engineAccount(
          found.account,
          fhirServers.find(({ id }) => id === found.grant.fhirServer)
        )
      )
    }
    const account = await accounts.find(sub)
    if (!account || account.disabled) return undefined
    return engineAccount(account, fhirServerAt(fhirServers, ctx.oidc.params?.aud))
  }

  return {
    adapter,
    jwks,
    findAccount,
    loadExistingGrant,
    clientAuthMethods: ['none', 'client_secret_basic'],
    responseTypes: ['code'],
    allowOmittingSingleRegisteredRedirectUri: false,
    scopes: ['openid', 'offline_access', 'online_access'],
    claims: { openid: ['sub', 'auth_time', 'amr'], fhirUser: ['fhirUser'], profile: ['name', 'fhirUser'] },
    // There is no userinfo to ask: the id_token says it all.
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx, client, code) => client.grantTypeAllowed('refresh_token') && lasts([...code.scopes]),
    // One Grant per client and session would let one launch end another: access.ts looks at the session itself.
    expiresWithSession: () => false,
    revokeGrantPolicy: () => true,
    extraClientMetadata: { properties: ['smart_scope', 'disabled'] },
    extraParams: checks,
    enabledJWA: { idTokenSigningAlgValues: ['RS256'] },
    interactions: { policy, url: (_ctx, { uid, prompt }) => `/interaction/${uid}/${prompt.name}` },
    routes: { authorization: '/authorize', token: '/token', revocation: '/revoke', jwks: '/jwks' },
    clientBasedCORS: (_ctx, origin, client) => (client.redirectUris ?? []).some((uri) => originOf(uri) === origin),
    renderError: renderEngineError,
    ttl: lifetimesFor(lifetimes, now),
    cookies: cookiesFor(issuer, cookieKeys),
    discovery: {
      introspection_endpoint: `${issuer}/introspect`,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
      service_documentation: undefined
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      introspection: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      revocation: {
        enabled: true,
        async allowedPolicy(ctx, client, token) {
          if (token.clientId !== client.clientId) return false
          // Read before it is deleted: the audit trail says whose access ends.
          await ctx.oidc.provider.Grant.find('grantId' in token ? String(token.grantId) : '')
          return true
        }
      },
      resourceIndicators: {
        enabled: true,
        // SMART names the FHIR server by aud; request-checks.ts refuses what is none of ours.
        defaultResource: (ctx, _client, oneOf) => oneOf?.[0] ?? fhirServerAt(fhirServers, ctx.oidc.params?.aud)?.baseUrl ?? [],
        useGrantedResource: () => true,
        getResourceServerInfo(ctx, resource, client) {
          const asked = splitScope(typeof ctx.oidc.params?.scope === 'string' ? ctx.oidc.params.scope : '')
          const fhirServer = fhirServerOf(fhirServers, resource)
          const registered = splitScope(String(client.smart_scope ?? ''))
          const scopes = notesOf(ctx).access?.scopes ?? permittedScopes(asked, registered, 'person', fhirServer.enforces)
          return resourceServerFor(fhirServer, scopes, lifetimes.accessToken)
        }
      }
    }
  }
}

/** Undefined for a private-use scheme, whose origin is written 'null': so is that of anybody's sandboxed frame. */
function originOf(uri: string): string | undefined {
  const { origin } = new URL(uri)
  return origin === 'null' ? undefined : origin
}

/** `__Host-` and `__Secure-` where the issuer is https; plain names in a demo over http, where script clients would drop them. */
function cookiesFor(issuer: string, keys: string[]): NonNullable<Configuration['cookies']> {
  const secure = issuer.startsWith('https:')
  const flags = { httpOnly: true, sameSite: 'lax', secure, signed: true } as const
  return {
    keys,
    names: {
      session: secure ? '__Host-keyward_session' : 'keyward_session',
      interaction: secure ? '__Secure-keyward_interaction' : 'keyward_interaction',
      resume: secure ? '__Secure-keyward_resume' : 'keyward_resume'
    },
    long: flags,
    short: flags
  }
}
