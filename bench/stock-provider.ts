/** oidc-provider by itself, set up for what Keyward does with it, on the textbook adapter. */
import { Redis } from 'ioredis'
import { exportJWK, generateKeyPair } from 'jose'
import Provider, { type ClientMetadata } from 'oidc-provider'
import { z } from 'zod'
import { APP, FHIR_BASE, FHIR_SERVER, PRELOADED_LIFETIME, SERVICE_SCOPE, WITH_ID_TOKEN } from './clinic.ts'
import { textbookAdapter } from './textbook-adapter.ts'

export const stockSettings = z.object({
  port: z.number(),
  redisUrl: z.string(),
  jwks: z.object({ keys: z.array(z.looseObject({ kty: z.string() })) }),
  cookieKey: z.string(),
  services: z.array(z.object({ id: z.string(), alg: z.enum(['RS384', 'ES384']), jwk: z.looseObject({ kty: z.string() }) })),
  /** Otherwise they are in its configuration. */
  clientsInStore: z.boolean()
})

export type StockSettings = z.infer<typeof stockSettings>

/** The same kind of key as Keyward makes: to sign is most of what a token with an id_token costs. */
export async function newJwks(): Promise<StockSettings['jwks']> {
  const { privateKey } = await generateKeyPair('RS256', { modulusLength: 3072, extractable: true })
  const jwk = await exportJWK(privateKey)
  return { keys: [{ ...jwk, kty: 'RSA', use: 'sig', alg: 'RS256' }] }
}

const clientsOf = ({ services }: StockSettings): ClientMetadata[] => [
  ...services.map(
    ({ id, alg, jwk }): ClientMetadata => ({
      client_id: id,
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: alg,
      jwks: { keys: [jwk] },
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: []
    })
  ),
  {
    client_id: FHIR_SERVER.id,
    client_secret: FHIR_SERVER.secret,
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: [],
    redirect_uris: [],
    response_types: []
  },
  {
    client_id: APP.id,
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: [APP.redirectUri],
    response_types: ['code']
  }
]

export async function createStockProvider(settings: StockSettings): Promise<{ provider: Provider; redis: Redis }> {
  const { port, redisUrl, jwks, cookieKey, clientsInStore } = settings
  const redis = new Redis(redisUrl)
  const adapter = textbookAdapter(redis)
  const inStore = adapter('Client')
  const clients = clientsOf(settings)
  if (clientsInStore) {
    for (const client of clients) await inStore.upsert(client.client_id, { ...client }, 0)
  }
  const provider = new Provider(`http://localhost:${port}`, {
    adapter,
    jwks,
    clients: clientsInStore ? [] : clients,
    cookies: { keys: [cookieKey] },
    scopes: [...WITH_ID_TOKEN.split(' '), SERVICE_SCOPE],
    enabledJWA: { clientAuthSigningAlgValues: ['RS384', 'ES384'] },
    claims: { openid: ['sub', 'auth_time', 'amr'], fhirUser: ['fhirUser'] },
    conformIdTokenClaims: false,
    findAccount: (_ctx, sub) => ({
      accountId: sub,
      claims: () => ({ sub, name: `Person ${sub}`, fhirUser: `${FHIR_BASE}/Patient/${sub}` })
    }),
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: () => false,
    ttl: {
      AccessToken: 15 * 60,
      ClientCredentials: 5 * 60,
      AuthorizationCode: 60,
      IdToken: 15 * 60,
      RefreshToken: 93 * 24 * 60 * 60,
      Grant: 4 * 93 * 24 * 60 * 60,
      Interaction: 60 * 60,
      Session: PRELOADED_LIFETIME
    },
    features: {
      introspection: { enabled: true },
      revocation: { enabled: true },
      // Its introspection then looks for a token of each kind, as at a server for both people and programs.
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true }
    }
  })
  return { provider, redis }
}
