/**
 * What may become of a registered app, whoever asks: the holder of its registration access token (registration.ts) or the
 * developer whose it is (owned-apps.ts). Pure: each takes the record as it is and gives what it becomes, or undefined.
 */
import { randomBytes } from 'node:crypto'
import { isOpenRequest, KEPT_UNUSED, type StoredClient } from '../clients/stored-clients.ts'
import type { AppMetadata } from './metadata.ts'
import { newRequest } from './production.ts'

/** How long the secret before the current one is good after a rotation, in milliseconds. */
const OVERLAP = 24 * 3_600_000

/** No `sub` has this form, and no token. */
export const newClientId = (): string => `app-${randomBytes(16).toString('base64url')}`
export const newSecret = (): string => randomBytes(32).toString('base64url')

export function hasSecret(client: StoredClient['client']): boolean {
  return client.token_endpoint_auth_method === 'client_secret_basic'
}

/** In the sandbox, until an operator has approved it. */
export function newlyRegistered({ client, launchUrls }: AppMetadata, secretHash: string | undefined, now: number): StoredClient {
  return {
    client,
    sandbox: true,
    secrets: secretHash === undefined ? [] : [{ hash: secretHash }],
    launchUrls,
    registeredAt: now,
    keptUntil: now + KEPT_UNUSED
  }
}

export function keptLonger(stored: StoredClient, now: number): StoredClient {
  return stored.keptUntil === undefined ? stored : { ...stored, keptUntil: now + KEPT_UNUSED }
}

export function withNewSecret(current: StoredClient, secretHash: string, now: number): StoredClient | undefined {
  if (!hasSecret(current.client)) return undefined
  const [before] = current.secrets
  return { ...current, secrets: [{ hash: secretHash }, ...(before ? [{ hash: before.hash, until: now + OVERLAP }] : [])] }
}

/** What was approved is not changed by the app. `secretHash` is of a secret that is new, for an app that has none yet. */
export function withMetadata(
  { production, ...current }: StoredClient,
  { client, launchUrls }: AppMetadata,
  secretHash: string
): StoredClient | undefined {
  if (!current.sandbox) return undefined
  const secrets = !hasSecret(client) ? [] : current.secrets.length > 0 ? current.secrets : [{ hash: secretHash }]
  // What an operator was asked to look at is no longer what it is: it has to be asked for again.
  const answered = production?.state === 'declined' ? { production } : {}
  return { ...current, ...answered, client, secrets, launchUrls }
}

export function mayAskForProduction({ sandbox, production }: StoredClient): boolean {
  return sandbox && !isOpenRequest(production)
}

export function askingForProduction(current: StoredClient, now: number): StoredClient | undefined {
  return mayAskForProduction(current) ? { ...current, production: newRequest(now) } : undefined
}
