/**
 * The apps of one developer, who registers and manages them at /developer instead of by a registration access token. Every
 * change names the developer: an app of somebody else is as absent as one that does not exist.
 */
import { hashOf, type StoredClient, type StoredClients } from '../clients/stored-clients.ts'
import { askingForProduction, hasSecret, keptLonger, newlyRegistered, newSecret, withMetadata, withNewSecret } from './changes.ts'
import type { AppMetadata } from './metadata.ts'

/** An app after a change, and its secret where it has a new one: it is told only now. */
export interface ChangedApp {
  stored: StoredClient
  secret?: string
}

export interface OwnedApps {
  of(accountId: string): Promise<StoredClient[]>
  find(accountId: string, clientId: string): Promise<StoredClient | undefined>
  create(accountId: string, metadata: AppMetadata): Promise<ChangedApp>
  /** Undefined here and below: it is not theirs, an operator has barred it, or it can't be done as the app stands. */
  replace(accountId: string, clientId: string, metadata: AppMetadata): Promise<ChangedApp | undefined>
  rotateSecret(accountId: string, clientId: string): Promise<ChangedApp | undefined>
  askForProduction(accountId: string, clientId: string): Promise<ChangedApp | undefined>
  remove(accountId: string, clientId: string): Promise<void>
}

export function createOwnedApps({ stored, now }: { stored: StoredClients; now: () => number }): OwnedApps {
  async function change(
    accountId: string,
    clientId: string,
    become: (current: StoredClient, secretHash: string) => StoredClient | undefined
  ): Promise<ChangedApp | undefined> {
    const secret = newSecret()
    const changed = await stored.change(clientId, (current) => {
      if (current.owner !== accountId || current.client.disabled) return undefined
      const next = become(current, hashOf(secret))
      return next && keptLonger(next, now())
    })
    if (!changed) return undefined
    const isNew = changed.secrets.some(({ hash }) => hash === hashOf(secret))
    return { stored: changed, ...(isNew ? { secret } : {}) }
  }

  async function find(accountId: string, clientId: string): Promise<StoredClient | undefined> {
    const found = await stored.read(clientId)
    return found?.owner === accountId ? found : undefined
  }

  return {
    of: (accountId) => stored.ownedBy(accountId),
    find,
    async create(accountId, metadata) {
      const secret = hasSecret(metadata.client) ? newSecret() : undefined
      const hash = secret === undefined ? undefined : hashOf(secret)
      const record: StoredClient = { ...newlyRegistered(metadata, hash, now()), owner: accountId }
      if (!(await stored.create(record))) throw new Error('a new client id is taken')
      return { stored: record, ...(secret === undefined ? {} : { secret }) }
    },
    replace: (accountId, clientId, metadata) =>
      change(accountId, clientId, (current, hash) => withMetadata(current, metadata, hash)),
    rotateSecret: (accountId, clientId) => change(accountId, clientId, (current, hash) => withNewSecret(current, hash, now())),
    askForProduction: (accountId, clientId) => change(accountId, clientId, (current) => askingForProduction(current, now())),
    async remove(accountId, clientId) {
      const found = await find(accountId, clientId)
      // What an operator has barred is kept, so that it stays known.
      if (found && !found.client.disabled) await stored.remove(clientId)
    }
  }
}
