/**
 * Registered apps and what may be done with one: made by whoever holds an invitation, then read, changed, given another
 * secret and deleted by whoever holds its registration access token, which is good for one use and brings the next.
 * An operator has the last word: a client that is disabled has no such token, and what was approved is not changed by the app.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { hashOf, KEPT_UNUSED, type StoredClient, type StoredClients } from '../clients/stored-clients.ts'
import type { AppMetadata } from './metadata.ts'

/** How long the secret before the current one is good after a rotation, in milliseconds. */
const OVERLAP = 24 * 3_600_000

/** What the app is told once. */
export interface Credentials {
  registrationToken: string
  secret?: string
}

export interface Registered {
  stored: StoredClient
  told: Credentials
}

/** No `sub` has this form, and no token. */
export const newClientId = (): string => `app-${randomBytes(16).toString('base64url')}`

const TOKEN = /^kw_rat_(app-[\w-]{22})~[\w-]{43}$/

/** It names its client, so that it can be made void wherever it is shown. */
const newToken = (clientId: string): string => `kw_rat_${clientId}~${randomBytes(32).toString('base64url')}`
const newSecret = (): string => randomBytes(32).toString('base64url')

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
  const kept = (client: StoredClient): StoredClient =>
    client.keptUntil === undefined ? client : { ...client, keptUntil: now() + KEPT_UNUSED }

  async function use(
    clientId: string,
    token: string,
    change: (current: StoredClient) => StoredClient | undefined = (current) => current
  ): Promise<Registered | undefined> {
    const registrationToken = newToken(clientId)
    const changed = await stored.change(clientId, (current) => {
      const next = isTokenOf(current, token) ? change(current) : undefined
      return next && { ...kept(next), registrationHash: hashOf(registrationToken) }
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
    async create({ client, scopeReasons, launchUrls }) {
      const clientId = client.client_id
      const registrationToken = newToken(clientId)
      const secret = hasSecret(client) ? newSecret() : undefined
      const record: StoredClient = {
        client,
        sandbox: true,
        secrets: secret === undefined ? [] : [{ hash: hashOf(secret) }],
        registrationHash: hashOf(registrationToken),
        scopeReasons,
        launchUrls,
        registeredAt: now(),
        keptUntil: now() + KEPT_UNUSED
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
    rotateSecret(clientId, token) {
      return useWithSecret(clientId, token, (current, hash) => {
        if (!hasSecret(current.client)) return undefined
        const [before] = current.secrets
        return { ...current, secrets: [{ hash }, ...(before ? [{ hash: before.hash, until: now() + OVERLAP }] : [])] }
      })
    },
    replace(clientId, token, { client, scopeReasons, launchUrls }) {
      return useWithSecret(clientId, token, ({ production, ...current }, hash) => {
        if (!current.sandbox) return undefined
        const secrets = !hasSecret(client) ? [] : current.secrets.length > 0 ? current.secrets : [{ hash }]
        // What an operator was asked to look at is no longer what it is: it has to be asked for again.
        const answered = production?.state === 'declined' ? { production } : {}
        return { ...current, ...answered, client, secrets, scopeReasons, launchUrls }
      })
    },
    remove: (clientId) => stored.remove(clientId)
  }
}

export function hasSecret(client: StoredClient['client']): boolean {
  return client.token_endpoint_auth_method === 'client_secret_basic'
}

function isTokenOf({ registrationHash, client }: StoredClient, token: string): boolean {
  if (registrationHash === undefined || client.disabled) return false
  return timingSafeEqual(Buffer.from(registrationHash), Buffer.from(hashOf(token)))
}
