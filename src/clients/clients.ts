/**
 * The registered clients: those of the configuration, and those that registered
 * themselves. An operator may disable either while the server runs. What a client
 * is, RFC 7591 says; what it may be granted, smart/scope-policy.ts.
 */
import type { ClientConfig } from '../config/config.ts'
import type { Kind, Store } from '../store/store.ts'
import { createStoredClients, KEPT_UNUSED, type RegisteredClient } from './stored-clients.ts'

const clientStatus: Kind<{ disabled: boolean }> = { name: 'client-status', guessable: true }

/** The client with which Keyward's own pages sign people in; never granted anything. */
export const OWN_CLIENT_ID = 'keyward-account'

export interface Clients {
  /** A registered client, disabled or not. */
  find(clientId: string): Promise<RegisteredClient | undefined>
  setDisabled(clientId: string, disabled: boolean): Promise<void>
  /** The client is in use: it is kept for longer, where it would have been forgotten. */
  used(client: RegisteredClient): Promise<void>
}

export function createClients({
  configured,
  issuer,
  store,
  now = Date.now
}: {
  configured: ClientConfig[]
  issuer: string
  store: Store
  now?: () => number
}): Clients {
  const stored = createStoredClients({ store, now })
  const byId = new Map([...configured, ownClient(issuer)].map((client) => [client.client_id, client]))
  return {
    async find(clientId) {
      const client = byId.get(clientId)
      if (clientId === OWN_CLIENT_ID) return client
      // One read for every id, configured, stored or unknown: how long the answer takes must not tell them apart.
      if (!client) return stored.find(clientId)
      const status = await store.get(clientStatus, clientId)
      return status ? { ...client, disabled: status.disabled } : client
    },
    async setDisabled(clientId, disabled) {
      if (clientId === OWN_CLIENT_ID) throw new Error('no client of this id is registered')
      if (byId.has(clientId)) return store.put(clientStatus, clientId, { disabled })
      const changed = await stored.change(clientId, ({ registrationHash, ...record }) => ({
        ...record,
        client: { ...record.client, disabled },
        // Whoever held its registration access token may not bring the client back, then or later.
        ...(disabled || registrationHash === undefined ? {} : { registrationHash })
      }))
      if (!changed) throw new Error(`no client ${clientId} is registered`)
    },
    async used({ client_id: clientId, kept_until: until }) {
      // Once in a while is enough, and costs the others nothing.
      if (until === undefined || until - now() > KEPT_UNUSED / 2) return
      await stored.change(clientId, (record) =>
        record.keptUntil === undefined ? undefined : { ...record, keptUntil: now() + KEPT_UNUSED }
      )
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
    redirect_uris: ['account', 'developer'].map((page) => `${issuer}/${page}/signed-in`),
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
