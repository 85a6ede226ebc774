/**
 * The registered clients: today those of the configuration, which an operator
 * may disable while the server runs. What a client is, RFC 7591 says; what it
 * may be granted, smart/scope-policy.ts.
 */
import type { ClientConfig } from '../config/config.ts'
import type { Kind, Store } from '../store/store.ts'

const clientStatus: Kind<{ disabled: boolean }> = { name: 'client-status', guessable: true }

/** The client with which Keyward's own pages sign people in; never granted anything. */
export const OWN_CLIENT_ID = 'keyward-account'

export interface Clients {
  /** A registered client, disabled or not. */
  find(clientId: string): Promise<ClientConfig | undefined>
  setDisabled(clientId: string, disabled: boolean): Promise<void>
}

export function createClients({
  configured,
  issuer,
  store
}: {
  configured: ClientConfig[]
  issuer: string
  store: Store
}): Clients {
  const byId = new Map([...configured, ownClient(issuer)].map((client) => [client.client_id, client]))
  return {
    async find(clientId) {
      const client = byId.get(clientId)
      if (clientId === OWN_CLIENT_ID) return client
      // Asked for unknown clients too: how long the answer takes must not tell them from others.
      const status = await store.get(clientStatus, clientId)
      return client && status ? { ...client, disabled: status.disabled } : client
    },
    async setDisabled(clientId, disabled) {
      if (!byId.has(clientId) || clientId === OWN_CLIENT_ID) throw new Error(`no client ${clientId} is registered`)
      await store.put(clientStatus, clientId, { disabled })
    }
  }
}

function ownClient(issuer: string): ClientConfig {
  return {
    client_id: OWN_CLIENT_ID,
    client_name: 'Keyward',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [`${issuer}/account/signed-in`],
    smart_scope: 'openid',
    verified: true,
    approved_for_clinicians: false,
    fhir_servers: [],
    launch_contexts: [],
    disabled: false
  }
}

/** The host to which a client's answers go, as pages show it. */
export function hostOf(redirectUri: string): string {
  const url = new URL(redirectUri)
  return url.host || url.protocol
}
