/**
 * The engine's records in our store. It writes codes, and neither reads nor
 * spends them: tokens are made, found and spent without it (token/), and an engine that were asked for one could do
 * nothing. Revoking a Grant is deleting it: every check loads the Grant, so
 * nothing that hangs on it has to be found.
 */
import { randomBytes } from 'node:crypto'
import { type Adapter, type AdapterFactory, type AdapterPayload, errors } from 'oidc-provider'
import type { Clients } from '../clients/clients.ts'
import type { RegisteredClient } from '../clients/stored-clients.ts'
import type { SessionEnds } from '../interaction/session-ends.ts'
import type { Fence } from '../store/fence.ts'
import type { Kind, PutOptions, Store } from '../store/store.ts'
import { engineKind } from './engine-records.ts'

interface Deps {
  store: Store
  fence: Fence
  clients: Clients
  sessionEnds: Pick<SessionEnds, 'isOver'>
  now: () => number
}

const sessionByUid: Kind<{ id: string }> = { name: 'SessionUid' }

export function adapters(deps: Deps): AdapterFactory {
  const { store, clients, now } = deps
  return (model) => {
    if (model === 'Client') return clientAdapter(clients)
    if (model === 'AuthorizationCode') return { ...unsupported(model), upsert: recordAdapter(store, now, model).upsert }
    if (model === 'AccessToken' || model === 'RefreshToken') return unsupported(model)
    if (model === 'Session') return sessionAdapter(deps)
    if (model === 'Interaction') return interactionAdapter(deps)
    return recordAdapter(store, now, model)
  }
}

function recordAdapter(store: Store, now: () => number, model: string): Adapter {
  const kind = engineKind(model)
  return {
    ...unsupported(model),
    async upsert(id, payload, expiresIn) {
      await store.put(kind, id, payload, expiryOf(now, expiresIn))
    },
    find: (id) => store.get(kind, id),
    destroy: (id) => store.delete(kind, id)
  }
}

function sessionAdapter({ store, sessionEnds, now }: Deps): Adapter {
  const kind = engineKind('Session')
  async function live(id: string): Promise<AdapterPayload | undefined> {
    const session = await store.get(kind, id)
    return session && !(await sessionEnds.isOver(session)) ? session : undefined
  }
  return {
    ...unsupported('Session'),
    async upsert(id, payload, expiresIn) {
      const options = expiryOf(now, expiresIn)
      await store.put(kind, id, payload, options)
      if (payload.uid) await store.put(sessionByUid, payload.uid, { id }, options)
    },
    find: live,
    async findByUid(uid) {
      const pointer = await store.get(sessionByUid, uid)
      return pointer && live(pointer.id)
    },
    destroy: (id) => store.delete(kind, id)
  }
}

/** An interaction is resumed once: of two clicks on one button, on any replica, one leads to the app and the other to an error page. */
function interactionAdapter({ store, fence, now }: Deps): Adapter {
  const kind = engineKind('Interaction')
  /** Its end may be what the store has forgotten. */
  const isFenced = (interaction: AdapterPayload) => (interaction.iat ?? 0) * 1000 < fence.notBefore()
  const over = () => new errors.SessionNotFound('interaction session not found')
  return {
    ...recordAdapter(store, now, 'Interaction'),
    async find(id) {
      const found = await store.get(kind, id)
      return found && !isFenced(found) ? found : undefined
    },
    async upsert(id, payload, expiresIn) {
      // A step's result is for an interaction that is still open; written otherwise it would open it again.
      if (payload.result === undefined) await store.put(kind, id, payload, expiryOf(now, expiresIn))
      else if (!(await store.update(kind, id, () => payload))) throw over()
    },
    async destroy(id) {
      const found = await store.read(kind, id)
      if (!found || !(await store.commit([{ kind, id, remove: true, ifVersion: found.version }]))) throw over()
      if (isFenced(found.record)) throw over()
    }
  }
}

function clientAdapter(clients: Clients): Adapter {
  /** The engine asks that there be one, and has none to compare: it is nobody's. */
  const secret = randomBytes(32).toString('base64url')
  return {
    ...unsupported('Client'),
    async find(id) {
      const client = await clients.find(id)
      return client && metadataOf(client, secret)
    }
  }
}

/** RFC 7591 members as the engine knows them; ours are extraClientMetadata of configuration.ts. */
function metadataOf(client: RegisteredClient, nobodysSecret: string): AdapterPayload {
  const { launch_contexts, launch_apps, launch_kinds, fhir_servers, refresh_token_lifetime, refresh_token_absolute, ...own } =
    client
  const {
    user_assertion_issuers,
    frame_origins,
    approved_for_clinicians,
    response_types,
    jwks,
    jwks_uri,
    client_secret,
    secret_hashes,
    kept_until,
    ...metadata
  } = own
  return {
    ...metadata,
    ...(client.token_endpoint_auth_method === 'client_secret_basic' ? { client_secret: nobodysSecret } : {}),
    // Clients are authenticated by clients/authenticate.ts alone: the engine is told that there are keys, and has none to look at.
    ...(client.token_endpoint_auth_method === 'private_key_jwt' ? { jwks: { keys: [] } } : {}),
    grant_types: metadata.grant_types.filter((type) => type !== 'client_credentials'),
    response_types: response_types.includes('code') ? ['code'] : [],
    // One asymmetric signature for all: what SMART's clients verify.
    id_token_signed_response_alg: 'RS256'
  }
}

function expiryOf(now: () => number, expiresIn: number | undefined): PutOptions {
  return expiresIn === undefined ? {} : { expiresAt: now() + expiresIn * 1000 }
}

/** No feature that is on asks for these. */
function unsupported(model: string): Adapter {
  const refuse = async (): Promise<never> => {
    throw new Error(`the engine asks for something of ${model} that is switched off`)
  }
  return {
    upsert: refuse,
    find: refuse,
    findByUserCode: refuse,
    findByUid: refuse,
    consume: refuse,
    destroy: refuse,
    revokeByGrantId: refuse
  }
}
