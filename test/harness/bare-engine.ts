/**
 * The engine with its own token, revocation and introspection endpoints, over a Keyward's store and with Keyward's rules
 * of who may have what: what Keyward's own handlers are held against. Its adapter is the one that the engine's
 * documentation describes, which reads and then writes. Nothing of it is in production.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import Provider, { type Adapter, type AdapterFactory, type Configuration } from 'oidc-provider'
import { createAccounts } from '../../src/accounts/accounts.ts'
import { createPasswords } from '../../src/accounts/password.ts'
import { openAuditTrail } from '../../src/audit/trail.ts'
import { createClients } from '../../src/clients/clients.ts'
import type { ClientConfig } from '../../src/config/config.ts'
import { createConsents } from '../../src/consent/consents.ts'
import { createSessionEnds } from '../../src/interaction/session-ends.ts'
import { loadSigningKeys } from '../../src/keys/signing-keys.ts'
import { type Access, createAccessCheck } from '../../src/oidc/access.ts'
import { engineAccount } from '../../src/oidc/account-claims.ts'
import { adapters } from '../../src/oidc/adapter.ts'
import { engineConfiguration } from '../../src/oidc/configuration.ts'
import { engineKind } from '../../src/oidc/engine-records.ts'
import { keepContextOnGrants, nameRecords } from '../../src/oidc/patches.ts'
import { requestChecks } from '../../src/oidc/request-checks.ts'
import { createLaunches } from '../../src/smart/launch.ts'
import { fhirServerOf, resourceServerFor } from '../../src/smart/resource-server.ts'
import { lasts } from '../../src/smart/scope-policy.ts'
import type { Store } from '../../src/store/store.ts'
import type { Keyward } from './keyward.ts'

export interface BareEngine {
  url: string
  stop(): void
}

const TOKENS = new Set(['AuthorizationCode', 'AccessToken', 'RefreshToken'])

/** In production the engine authenticates nobody, and is told no secret. */
function withSecrets(configured: readonly ClientConfig[], factory: AdapterFactory): AdapterFactory {
  return (model) => {
    const adapter = factory(model)
    if (model !== 'Client') return adapter
    return {
      ...adapter,
      async find(id) {
        const client = await adapter.find(id)
        const secret = configured.find(({ client_id }) => client_id === id)?.client_secret
        return client && secret !== undefined ? { ...client, client_secret: secret } : client
      }
    }
  }
}

/** Records as the engine's documentation says an adapter keeps them. */
function readThenWrite(store: Store, others: AdapterFactory): AdapterFactory {
  const refuse = async (): Promise<never> => {
    throw new Error('nothing asks for this here')
  }
  return (model): Adapter => {
    const kind = engineKind(model)
    if (!TOKENS.has(model) && model !== 'Grant') return others(model)
    return {
      upsert: (id, payload, expiresIn = 0) => store.put(kind, id, payload, { expiresAt: Date.now() + expiresIn * 1000 }),
      find: (id) => store.get(kind, id),
      consume: async (id) =>
        void (await store.update(kind, id, (record) => ({ ...record, consumed: Math.floor(Date.now() / 1000) }))),
      destroy: (id) => store.delete(kind, id),
      revokeByGrantId: async () => undefined,
      findByUid: refuse,
      findByUserCode: refuse
    }
  }
}

export async function startBareEngine({ config, store }: Keyward): Promise<BareEngine> {
  const now = () => Date.now()
  const fence = { notBefore: () => 0 }
  const { fhirServers, issuer, lifetimes } = config
  const clients = createClients({ configured: config.clients, issuer, store })
  const accounts = createAccounts({ store, passwords: await createPasswords(), now })
  const consents = createConsents({ store, now })
  const audit = await openAuditTrail({ store, now })
  const access = createAccessCheck({ store, accounts, clients, consents, fhirServers, sessionExists: async () => true })
  const sessionEnds = createSessionEnds({ store, lifetime: lifetimes.session, now })
  const authorizing = engineConfiguration({
    config,
    cookieKeys: ['only for tests'],
    jwks: await loadSigningKeys(store, now),
    adapter: withSecrets(config.clients, readThenWrite(store, adapters({ store, fence, clients, sessionEnds, now }))),
    accounts,
    policy: [],
    checks: requestChecks({
      issuer,
      fhirServers,
      launches: createLaunches({ store, fence, now }),
      // Nobody launches from an EHR here.
      statedUsers: { signIn: async () => undefined, isStatedForAnother: async () => false },
      audit
    }),
    loadExistingGrant: async () => undefined,
    now
  })
  const served = new Set(fhirServers.flatMap(({ baseUrl, introspectedBy }) => introspectedBy.map((by) => `${by} ${baseUrl}`)))
  const worth = new WeakMap<object, Access>()
  const { richAuthorizationRequests: _absent, resourceIndicators, ...features } = authorizing.features ?? {}
  const configuration: Configuration = {
    ...authorizing,
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx, client, code) => client.grantTypeAllowed('refresh_token') && lasts([...code.scopes]),
    revokeGrantPolicy: () => true,
    clientBasedCORS: (_ctx, origin, client) => (client.redirectUris ?? []).some((uri) => new URL(uri).origin === origin),
    conformIdTokenClaims: false,
    ttl: {
      ...authorizing.ttl,
      AccessToken: lifetimes.accessToken,
      RefreshToken: lifetimes.refreshToken,
      IdToken: lifetimes.accessToken
    },
    async findAccount(ctx, _sub, token) {
      const found = token && (await access.of(token))
      if (!found) return undefined
      worth.set(ctx.oidc, found)
      return engineAccount(
        found.account,
        fhirServers.find(({ id }) => id === found.grant.fhirServer)
      )
    },
    features: {
      ...features,
      introspection: {
        enabled: true,
        // What ours decides before it looks: access tokens alone, and only for the FHIR server that they are meant for.
        allowedPolicy: (_ctx, client, token) =>
          token.kind === 'AccessToken' && served.has(`${client.clientId} ${'aud' in token ? token.aud : ''}`)
      },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      resourceIndicators: {
        ...resourceIndicators,
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource) =>
          resourceServerFor(fhirServerOf(fhirServers, resource), worth.get(ctx.oidc)?.scopes ?? [], lifetimes.accessToken)
      }
    }
  }
  const provider = new Provider(issuer, configuration)
  keepContextOnGrants(provider)
  nameRecords(provider.AccessToken, 'kw_at_')
  nameRecords(provider.RefreshToken, 'kw_rt_')
  const server = createServer(provider.callback()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop() {
      server.close()
      server.closeAllConnections()
    }
  }
}
