/**
 * The grant type client_credentials: a backend service gets a short access token
 * for itself, within what its registration says, and nothing else. By a key only, never by a
 * shared secret.
 *
 * RFC 6749 §4.4, SMART App Launch 2.2 "Backend Services"
 */
import type { AuditTrail } from '../../audit/trail.ts'
import type { Config, FhirServer } from '../../config/config.ts'
import { fhirServerAt } from '../../smart/fhir-servers.ts'
import { isOwnScope, ownScopesOf } from '../../smart/own-api.ts'
import { splitScope } from '../../smart/scope-policy.ts'
import { fhirServersOf, grantedToService } from '../../smart/system-scopes.ts'
import type { Store } from '../../store/store.ts'
import type { AccessTokenFormat } from '../access-token-format.ts'
import type { AccessTokenValues } from '../jwt-access-tokens.ts'
import { newSystemToken, systemTokens } from '../system-tokens.ts'
import { isScope } from './form.ts'
import type { TokenGrant, TokenRequest } from './grant.ts'
import { TokenRefusal } from './refusal.ts'

interface Deps {
  issuer: string
  store: Store
  audit: AuditTrail
  accessTokenValues: Pick<AccessTokenValues, 'ofService'>
  fhirServers: readonly FhirServer[]
  lifetimes: Pick<Config['lifetimes'], 'backendAccessToken'>
  now: () => number
}

export function clientCredentialsGrant({
  issuer,
  store,
  audit,
  accessTokenValues,
  fhirServers,
  lifetimes,
  now
}: Deps): TokenGrant {
  return async (request) => {
    const { client, values } = request
    // The configuration holds such clients to a key already; whatever else makes clients is held to it here.
    if (client.token_endpoint_auth_method !== 'private_key_jwt')
      throw new TokenRefusal('unauthorized_client', 'client_credentials needs a client that authenticates by private_key_jwt')
    const asked = isScope(values.scope ?? '') ? splitScope(values.scope) : []
    if (asked.some(isOwnScope)) return grantOwnApi(request, asked)
    const fhirServer = audienceOf(request)
    const parties = { fhirServer: fhirServer.id }
    if (values.scope === undefined) throw new TokenRefusal('invalid_scope', 'scope is missing', { parties })
    if (!isScope(values.scope)) throw new TokenRefusal('invalid_scope', 'scope has characters that no scope has', { parties })
    const scopes = grantedToService(asked, client, fhirServer)
    if (scopes.length === 0)
      throw new TokenRefusal('invalid_scope', 'this client is registered for none of these system/ scopes', { parties })

    const { baseUrl: aud, accessTokenFormat: format = 'opaque' } = fhirServer
    return issue(request, { aud, format, scopes }, parties)
  }

  /** One token is for one audience: beside a scope of Keyward's own API, the others are dropped. */
  function grantOwnApi(request: TokenRequest, asked: readonly string[]): ReturnType<TokenGrant> {
    const { client, resources, values } = request
    const named = values.aud === undefined ? resources : [...resources, values.aud]
    if (named.some((one) => one !== issuer))
      throw new TokenRefusal('invalid_target', `these scopes are for ${issuer} itself, and for no FHIR server`)
    const scopes = ownScopesOf(asked, client)
    if (scopes.length === 0)
      throw new TokenRefusal('invalid_scope', "this client is registered for none of these scopes of Keyward's own API")
    return issue(request, { aud: issuer, format: 'opaque', scopes })
  }

  async function issue(
    { client, grantType, source }: TokenRequest,
    { aud, format, scopes }: { aud: string; format: AccessTokenFormat; scopes: string[] },
    parties: { fhirServer?: string } = {}
  ): ReturnType<TokenGrant> {
    const scope = scopes.join(' ')
    const { client_id: clientId } = client
    const { backendAccessToken: lifetime } = lifetimes
    const token = newSystemToken({ clientId, aud, scope }, { iat: Math.floor(now() / 1000), lifetime, format })
    // Side by side: the token leaves once both are written, and until then nobody knows it.
    const [value] = await Promise.all([
      accessTokenValues.ofService(token),
      audit.record(source, { type: 'token', outcome: 'issued', grantType, clientId, ...parties, scopes }),
      store.put(systemTokens, token.jti, token, { expiresAt: token.exp * 1000 })
    ])
    return { access_token: value, token_type: 'bearer', expires_in: token.exp - token.iat, scope }
  }

  /** RFC 8707 §2 `resource`, or SMART's `aud`; without either, the only FHIR server that the client has. */
  function audienceOf({ client, resources, values }: TokenRequest): FhirServer {
    const served = fhirServersOf(client, fhirServers)
    const named = values.aud === undefined ? resources : [...resources, values.aud]
    const [first, ...others] = named.map((one) => fhirServerAt(served, one))
    if (named.length > 0) {
      if (first === undefined || others.some((one) => one !== first))
        throw new TokenRefusal(
          'invalid_target',
          'resource must be the base URL of one FHIR server that this client is registered for'
        )
      return first
    }
    const [only, ...more] = served
    if (only === undefined) throw new TokenRefusal('invalid_target', 'this client is registered for no FHIR server')
    if (more.length > 0)
      throw new TokenRefusal('invalid_target', 'resource is missing: this client is registered for several FHIR servers')
    return only
  }
}
