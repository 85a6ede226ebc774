/**
 * The engine's records in our store. Codes and refresh tokens are spent, and
 * tokens stored, through the token request's own collection (token-writes.ts);
 * the rest is written at once. Revoking a Grant is deleting it: every check
 * loads the Grant, so nothing that hangs on it has to be found.
 */
import Provider, { type Adapter, type AdapterFactory, type AdapterPayload, errors } from 'oidc-provider'
import type { Clients } from '../clients/clients.ts'
import type { ClientConfig } from '../config/config.ts'
import type { SessionEnds } from '../interaction/session-ends.ts'
import type { Kind, PutOptions, Store } from '../store/store.ts'
import { engineKind, optionsFor } from './engine-records.ts'
import { successorOf } from './refresh-retry.ts'
import { notesOf } from './request-notes.ts'
import { collectTokenWrites, type TokenWrites } from './token-writes.ts'

interface Deps {
  store: Store
  clients: Clients
  sessionEnds: Pick<SessionEnds, 'isOver'>
  now: () => number
}

/** Models whose records a token request writes, all under one Grant. */
const TOKENS = new Set(['AuthorizationCode', 'AccessToken', 'RefreshToken'])

const sessionByUid: Kind<{ id: string }> = { name: 'SessionUid' }

export function adapters(deps: Deps): AdapterFactory {
  const { store, clients, now } = deps
  return (model) => {
    if (model === 'Client') return clientAdapter(clients)
    if (model === 'Session') return sessionAdapter(deps)
    if (model === 'Interaction') return interactionAdapter(store, now)
    return recordAdapter(store, now, model)
  }
}

/** What the token request in progress collects; undefined outside of one. */
function tokenWritesInProgress(): TokenWrites | undefined {
  const ctx = Provider.ctx
  if (ctx?.oidc.route !== 'token') return undefined
  const notes = notesOf(ctx)
  notes.tokenWrites ??= collectTokenWrites()
  return notes.tokenWrites
}

function recordAdapter(store: Store, now: () => number, model: string): Adapter {
  const kind = engineKind(model)
  return {
    ...unsupported(model),
    async upsert(id, payload, expiresIn) {
      const options = optionsFor(model, payload, expiryOf(now, expiresIn))
      const writes = TOKENS.has(model) ? tokenWritesInProgress() : undefined
      if (writes) writes.put(kind, id, payload, options)
      else await store.put(kind, id, payload, options)
    },
    async find(id) {
      const found = await store.read(kind, id)
      if (!found) return undefined
      const writes = TOKENS.has(model) ? tokenWritesInProgress() : undefined
      writes?.read(kind, id, found.record, found.version)
      if (Provider.ctx && model === 'Grant') notesOf(Provider.ctx).grantRead = found.record
      if (!Provider.ctx || !writes || model !== 'RefreshToken') return found.record
      const successor = await successorOf(store, id, found.record, now())
      if (!successor) return found.record
      notesOf(Provider.ctx).successor = successor
      // To the engine it is unspent, so that it makes all of its checks; answers.ts then gives what was given before.
      return { ...found.record, consumed: undefined }
    },
    async consume(id) {
      const writes = tokenWritesInProgress()
      if (!writes) throw new Error(`a ${model} is spent outside of a token request`)
      writes.spend(kind, id, now())
    },
    async destroy(id) {
      // Tokens end with their Grant, and the engine deletes that next: a token deleted first would,
      // where the store fails in between, leave a client whose second try finds nothing to revoke.
      if (!TOKENS.has(model)) await store.delete(kind, id)
    },
    revokeByGrantId: async () => undefined
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
function interactionAdapter(store: Store, now: () => number): Adapter {
  const kind = engineKind('Interaction')
  const over = () => new errors.SessionNotFound('interaction session not found')
  return {
    ...recordAdapter(store, now, 'Interaction'),
    async upsert(id, payload, expiresIn) {
      // A step's result is for an interaction that is still open; written otherwise it would open it again.
      if (payload.result === undefined) await store.put(kind, id, payload, expiryOf(now, expiresIn))
      else if (!(await store.update(kind, id, () => payload))) throw over()
    },
    async destroy(id) {
      const found = await store.read(kind, id)
      if (!found || !(await store.commit([{ kind, id, remove: true, ifVersion: found.version }]))) throw over()
    }
  }
}

function clientAdapter(clients: Clients): Adapter {
  return {
    ...unsupported('Client'),
    async find(id) {
      const client = await clients.find(id)
      return client && metadataOf(client)
    }
  }
}

/** RFC 7591 members as the engine knows them; ours are extraClientMetadata of configuration.ts. */
function metadataOf(client: ClientConfig): AdapterPayload {
  const { launch_contexts, approved_for_clinicians, response_types, ...metadata } = client
  return {
    ...metadata,
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
