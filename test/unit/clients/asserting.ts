/** Clients with keys, and what authenticates them: the real thing over a store in memory. */
import { generateKeyPairSync } from 'node:crypto'
import { createAssertions } from '../../../src/clients/assertions.ts'
import { type ClientAuthentication, createClientAuthenticator } from '../../../src/clients/authenticate.ts'
import { createClientKeys } from '../../../src/clients/client-keys.ts'
import { createClients } from '../../../src/clients/clients.ts'
import { createRemoteKeys } from '../../../src/clients/remote-keys.ts'
import type { ClientConfig } from '../../../src/config/config.ts'
import { createOutbound } from '../../../src/web/outbound.ts'
import {
  type Alg,
  assertionForm,
  type Changes,
  type ClientKey,
  claimsOf,
  newClientKey,
  signed
} from '../../harness/backend-client.ts'
import { type JwksServer, startJwksServer } from '../../harness/jwks-server.ts'
import { openOn } from '../../store/engine.ts'

export const ISSUER = 'https://auth.example'
export const TOKEN_URL = `${ISSUER}/token`
export const FAILED = { ok: false, status: 401, error: 'invalid_client' }

export const keys: Record<Alg, ClientKey> = { RS384: newClientKey('RS384', 'rsa-1'), ES384: newClientKey('ES384', 'ec-1') }
export const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })

export interface Asserting {
  authenticate(form: Record<string, string>, authorization?: string): Promise<ClientAuthentication>
  show(assertion: string): Promise<ClientAuthentication>
  /** The registered address of the client `with-uri`; to all others it is a foreign one. */
  server: JwksServer
  /** Raises the store's fence, epoch milliseconds. */
  raiseFence(notBefore: number): void
  stop(): Promise<void>
}

/** In seconds. */
export const now = () => Math.floor(Date.now() / 1000)

/** An assertion of the client `service`, spoilt as asked. */
export function asserted(claims: Changes = {}, header: Changes = {}, key = keys.RS384, clientId = 'service'): string {
  return signed(key, claimsOf(clientId, TOKEN_URL, claims), header)
}

export function clientOf(client_id: string, more: Partial<ClientConfig>): ClientConfig {
  return {
    client_id,
    client_name: client_id,
    token_endpoint_auth_method: 'private_key_jwt',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    verified: false,
    approved_for_clinicians: false,
    smart_scope: 'system/*.rs',
    fhir_servers: [],
    launch_contexts: [],
    disabled: false,
    ...more
  }
}

export async function startAsserting(): Promise<Asserting> {
  const server = await startJwksServer()
  server.publish([keys.RS384.jwk])
  const store = await openOn('sqlite::memory:')
  const jwks = { keys: [keys.RS384.jwk, keys.ES384.jwk] }
  const configured = [
    clientOf('service', { jwks }),
    clientOf('svc', { jwks }),
    clientOf('svc1', { jwks }),
    clientOf('only-es384', { jwks, token_endpoint_auth_signing_alg: 'ES384' }),
    clientOf('gone', { jwks, disabled: true }),
    clientOf('doubled', { jwks: { keys: [keys.RS384.jwk, newClientKey('RS384', 'rsa-1').jwk] } }),
    clientOf('two-types', { jwks: { keys: [keys.RS384.jwk, newClientKey('ES384', 'rsa-1').jwk] } }),
    clientOf('weak', { jwks: { keys: [{ ...weak.publicKey.export({ format: 'jwk' }), kid: 'weak-1' }] } }),
    clientOf('with-uri', { jwks_uri: server.uri }),
    clientOf('with-secret', { token_endpoint_auth_method: 'client_secret_basic', client_secret: 'a secret', jwks }),
    clientOf('public', { token_endpoint_auth_method: 'none' })
  ]
  const clients = createClients({ configured, issuer: ISSUER, store })
  let notBefore = 0
  const outbound = createOutbound({ allowedHosts: [server.host], now: Date.now })
  const assertions = createAssertions({
    issuer: ISSUER,
    find: clients.find,
    store,
    keys: createClientKeys({ remoteKeys: createRemoteKeys({ outbound, now: Date.now }) }),
    fence: { notBefore: () => notBefore },
    now: Date.now
  })
  const authenticator = createClientAuthenticator({ clients, assertions })
  const authenticate: Asserting['authenticate'] = (form, authorization) => authenticator.authenticate({ authorization, form })
  return {
    authenticate,
    show: (assertion) => authenticate(assertionForm(assertion)),
    server,
    raiseFence(at) {
      notBefore = at
    },
    async stop() {
      await server.stop()
      await store.close()
    }
  }
}
