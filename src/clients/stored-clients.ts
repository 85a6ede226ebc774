/**
 * Clients that registered themselves, kept in the store beside those of the configuration. Secrets and registration access
 * tokens are kept as hashes: both are random, so a fast hash is enough. What a client may say of itself is decided where it
 * registers (developer/), not here.
 */
import { hash } from 'node:crypto'
import type { ClientConfig } from '../config/config.ts'
import { everyListed } from '../store/listed.ts'
import type { Kind, Store } from '../store/store.ts'

/** A client as the rest of Keyward sees it, wherever it is registered. */
export interface RegisteredClient extends ClientConfig {
  /** Of the secrets that are valid now, SHA-256 in base64url; absent for a client of the configuration. */
  secret_hashes?: readonly string[]
  /** Only FHIR servers that are marked `sandbox` are open to it. */
  sandbox?: true
  /** Epoch milliseconds; absent where it is kept whether it is used or not. */
  kept_until?: number
}

export interface StoredClient {
  client: ClientConfig
  sandbox: boolean
  /** The current one first. */
  secrets: StoredSecret[]
  /** Of the registration access token; absent where there is none any more. */
  registrationHash?: string
  /** The `sub` of the developer who registered it at /developer; absent where it registered by RFC 7591. */
  owner?: string
  launchUrls: string[]
  registeredAt: number
  /** Until then it has to be used, or it is forgotten; absent for a client that an operator approved. */
  keptUntil?: number
  production?: ProductionRequest
}

interface StoredSecret {
  hash: string
  /** Epoch milliseconds; absent: until it is rotated. */
  until?: number
}

/** All in epoch milliseconds. */
export interface ProductionRequest {
  /** verified: the app is whose it says, and has still to be opened. */
  state: 'asked' | 'verified' | 'approved' | 'declined'
  askedAt: number
  /** By when its authenticity has to be verified. */
  verifyBy: number
  verifiedAt?: number
  /** By when it has to be opened, once verified. */
  enableBy?: number
  answeredAt?: number
  /** Why it was declined: one of a closed list, and in the operator's words. */
  ground?: string
  reason?: string
  /** The clocks of which the audit trail says that they have run out. */
  reported?: Clock[]
}

/** What 45 CFR 170.404(b)(1) gives a time for. */
export type Clock = 'verify' | 'enable'

export function isOpenRequest(production: ProductionRequest | undefined): boolean {
  return production?.state === 'asked' || production?.state === 'verified'
}

const storedClients: Kind<StoredClient> = { name: 'registered-client', guessable: true }

/** A sandbox client that nobody uses for so long is forgotten, in milliseconds. */
export const KEPT_UNUSED = 90 * 86_400_000
const MOST_TRIES = 10

export const hashOf = (secret: string): string => hash('sha256', secret, 'base64url')

export interface StoredClients {
  find(clientId: string): Promise<RegisteredClient | undefined>
  read(clientId: string): Promise<StoredClient | undefined>
  /** False where there is one already. */
  create(stored: StoredClient): Promise<boolean>
  /** Of several at once, each sees what the one before it wrote. Undefined: there is none, or `change` left it alone. */
  change(clientId: string, change: (current: StoredClient) => StoredClient | undefined): Promise<StoredClient | undefined>
  remove(clientId: string): Promise<void>
  /** Those whose request for production has still to be verified or opened. */
  asking(): Promise<StoredClient[]>
  /** Those that an account registered. */
  ownedBy(accountId: string): Promise<StoredClient[]>
}

export function createStoredClients({ store, now }: { store: Store; now: () => number }): StoredClients {
  const optionsOf = ({ keptUntil, production, owner }: StoredClient) => {
    const isOpen = isOpenRequest(production)
    return {
      // A request that nobody answers does not go away by itself, nor do its clocks.
      ...(keptUntil === undefined || isOpen ? {} : { expiresAt: keptUntil }),
      indexes: { ...(isOpen ? { production: 'asked' } : {}), ...(owner === undefined ? {} : { owner }) }
    }
  }
  async function listed(name: string, value: string): Promise<StoredClient[]> {
    const all: StoredClient[] = []
    for await (const stored of everyListed(store, storedClients, { name, value })) all.push(stored)
    return all
  }
  return {
    async find(clientId) {
      const found = await store.view(storedClients, clientId)
      if (!found) return undefined
      const { client, secrets, sandbox, keptUntil } = found.record
      const valid = secrets.filter(({ until }) => until === undefined || until > now())
      return {
        ...client,
        secret_hashes: valid.map((secret) => secret.hash),
        ...(sandbox ? { sandbox } : {}),
        ...(keptUntil === undefined ? {} : { kept_until: keptUntil })
      }
    },
    read: (clientId) => store.get(storedClients, clientId),
    create: (stored) => store.create(storedClients, stored.client.client_id, stored, optionsOf(stored)),
    async change(clientId, change) {
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const found = await store.read(storedClients, clientId)
        const record = found && change(found.record)
        if (!record) return undefined
        const write = { kind: storedClients, id: clientId, record, ifVersion: found.version, ...optionsOf(record) }
        if (await store.commit([write])) return record
      }
      throw new Error(`the client ${clientId} is changed again and again`)
    },
    remove: (clientId) => store.delete(storedClients, clientId),
    async asking() {
      return (await listed('production', 'asked')).toSorted(
        (a, b) => (a.production?.verifyBy ?? 0) - (b.production?.verifyBy ?? 0)
      )
    },
    async ownedBy(accountId) {
      return (await listed('owner', accountId)).toSorted((a, b) => a.registeredAt - b.registeredAt)
    }
  }
}
