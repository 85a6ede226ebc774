/**
 * Registered apps and what may be done with one: made by whoever holds an invitation, then read, changed, given another
 * secret and deleted by whoever holds its registration access token, which is good for one use and brings the next.
 * An operator has the last word: a client that is disabled has no such token, and what was approved is not changed by the app.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { hashOf, type StoredClient, type StoredClients } from '../clients/stored-clients.ts'
import { hasSecret, keptLonger, newlyRegistered, newSecret, withMetadata, withNewSecret } from './changes.ts'
import type { AppMetadata } from './metadata.ts'

/** What the app is told once. */
export interface Credentials {
  registrationToken: string
  secret?: string
}

export interface Registered {
  stored: StoredClient
  told: Credentials
}

const TOKEN = /^kw_rat_(app-[\w-]{22})~[\w-]{43}$/

/** It names its client, so that it can be made void wherever it is shown. */
const newToken = (clientId: string): string => `kw_rat_${clientId}~${randomBytes(32).toString('base64url')}`

export interface Registration {
  create(metadata: AppMetadata): Promise<Registered>
  /** The client, where the token is its own and valid. One that is shown for another client is void from then on. */
  authenticate(clientId: string, token: string): Promise<StoredClient | undefined>
  /** Spends the token. Undefined: somebody else has spent it, or `change` refuses. */
  use(
    clientId: string,
    token: string,
    change?: (current: StoredClient) => StoredClient | undefined
  ): Promise<Registered | undefined>
  rotateSecret(clientId: string, token: string): Promise<Registered | undefined>
  replace(clientId: string, token: string, metadata: AppMetadata): Promise<Registered | undefined>
  remove(clientId: string): Promise<void>
}

export function createRegistration({ stored, now }: { stored: StoredClients; now: () => number }): Registration {
  async function use(
    clientId: string,
    token: string,
    change: (current: StoredClient) => StoredClient | undefined = (current) => current
  ): Promise<Registered | undefined> {
    const registrationToken = newToken(clientId)
    const changed = await stored.change(clientId, (current) => {
      const next = isTokenOf(current, token) ? change(current) : undefined
      return next && { ...keptLonger(next, now()), registrationHash: hashOf(registrationToken) }
    })
    return changed && { stored: changed, told: { registrationToken } }
  }

  async function useWithSecret(
    clientId: string,
    token: string,
    change: (current: StoredClient, secretHash: string) => StoredClient | undefined
  ): Promise<Registered | undefined> {
    const secret = newSecret()
    const used = await use(clientId, token, (current) => change(current, hashOf(secret)))
    const isNew = used?.stored.secrets.some(({ hash }) => hash === hashOf(secret)) === true
    return used && { ...used, told: { ...used.told, ...(isNew ? { secret } : {}) } }
  }

  return {
    use,
    async create(metadata) {
      const clientId = metadata.client.client_id
      const registrationToken = newToken(clientId)
      const secret = hasSecret(metadata.client) ? newSecret() : undefined
      const record: StoredClient = {
        ...newlyRegistered(metadata, secret === undefined ? undefined : hashOf(secret), now()),
        registrationHash: hashOf(registrationToken)
      }
      if (!(await stored.create(record))) throw new Error('a new client id is taken')
      return { stored: record, told: { registrationToken, ...(secret === undefined ? {} : { secret }) } }
    },
    async authenticate(clientId, token) {
      const owner = TOKEN.exec(token)?.[1]
      if (owner === undefined) return undefined
      const found = await stored.read(owner)
      if (!found || !isTokenOf(found, token)) return undefined
      if (owner === clientId && !found.client.disabled) return found
      await stored.change(owner, ({ registrationHash, ...rest }) =>
        isTokenOf({ ...rest, ...(registrationHash === undefined ? {} : { registrationHash }) }, token) ? rest : undefined
      )
      return undefined
    },
    rotateSecret: (clientId, token) => useWithSecret(clientId, token, (current, hash) => withNewSecret(current, hash, now())),
    replace: (clientId, token, metadata) =>
      useWithSecret(clientId, token, (current, hash) => withMetadata(current, metadata, hash)),
    remove: (clientId) => stored.remove(clientId)
  }
}

function isTokenOf({ registrationHash, client }: StoredClient, token: string): boolean {
  if (registrationHash === undefined || client.disabled) return false
  return timingSafeEqual(Buffer.from(registrationHash), Buffer.from(hashOf(token)))
}
