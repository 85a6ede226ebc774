/**
 * Where apps register and manage themselves: RFC 7591 and RFC 7592, and two things of Keyward's own, another secret beside
 * the present one and a request for production. Who may do what to a client is decided in registration.ts, what a client may
 * say of itself in metadata.ts.
 */
import Router from '@koa/router'
import type { Context } from 'koa'
import type { RegistrationOutcome } from '../audit/event.ts'
import type { AuditTrail } from '../audit/trail.ts'
import type { StoredClient } from '../clients/stored-clients.ts'
import { isMapping } from '../config/mapping.ts'
import { reached } from '../observability/steps.ts'
import type { Attempts } from '../web/attempts.ts'
import { readJson } from '../web/body.ts'
import { PageError } from '../web/page-error.ts'
import { sourceOf } from '../web/request.ts'
import { answerOf } from './answer.ts'
import { askingForProduction, hasSecret, mayAskForProduction, newClientId } from './changes.ts'
import type { Invites } from './invites.ts'
import { readMetadata } from './metadata.ts'
import type { Registered, Registration } from './registration.ts'

interface Deps {
  issuer: string
  registration: Registration
  invites: Invites
  audit: AuditTrail
  /** With a window of a day. */
  attempts: Attempts
  perDay: number
  allowedHosts: readonly string[]
  now: () => number
}

const CREDENTIALS = /^bearer +(kw_(?:iat|rat)_[\w~-]+)$/i
/** RFC 7592 §2.2: what a client is told, and must not say. */
const TOLD = ['registration_access_token', 'registration_client_uri', 'client_id_issued_at', 'client_secret_expires_at']

export function registrationRoutes({ issuer, registration, invites, audit, attempts, perDay, allowedHosts, now }: Deps): Router {
  const router = new Router()

  async function refuse(ctx: Context, status: number, error: string, description: string, clientId?: string): Promise<void> {
    await audit.record(sourceOf(ctx), {
      type: 'registration',
      outcome: 'refused',
      reason: error,
      ...(clientId === undefined ? {} : { clientId })
    })
    if (status === 401) ctx.set('WWW-Authenticate', 'Bearer realm="keyward", error="invalid_token"')
    ctx.status = status
    ctx.body = { error, error_description: description }
  }

  const unauthorized = (ctx: Context) => refuse(ctx, 401, 'invalid_token', 'the access token is missing, used, expired or void')
  const record = (ctx: Context, outcome: RegistrationOutcome, clientId: string) =>
    audit.record(sourceOf(ctx), { type: 'registration', outcome, clientId })

  router.post('/register', async (ctx) => {
    ctx.set('Cache-Control', 'no-store')
    const token = tokenOf(ctx)
    if (token === undefined || !(await invites.isOpen(token))) return unauthorized(ctx)
    const clientId = newClientId()
    const metadata = readMetadata(await readJson(ctx), { clientId, allowedHosts })
    if ('error' in metadata) return refuse(ctx, 400, metadata.error, metadata.description)
    const quota = await attempts.take('registrations', 'all', perDay)
    if (!quota.ok) throw new PageError(429, 'too-many', { retryAfter: quota.retryAfter })
    if (!(await invites.spend(token))) return unauthorized(ctx)
    reached('registration:invited')
    await record(ctx, 'registered', clientId)
    reached('registration:audited')
    const registered = await registration.create(metadata)
    reached('registration:created')
    ctx.status = 201
    ctx.body = answerOf(registered, issuer)
  })

  /** Answers 401 itself, where the token is not this client's. */
  async function managed(ctx: Context): Promise<{ clientId: string; token: string; current: StoredClient } | undefined> {
    ctx.set('Cache-Control', 'no-store')
    const { clientId }: { clientId?: unknown } = ctx.params
    const token = tokenOf(ctx)
    const current = token === undefined ? undefined : await registration.authenticate(String(clientId), token)
    if (token !== undefined && current) return { clientId: current.client.client_id, token, current }
    await unauthorized(ctx)
    return undefined
  }

  /** Where it comes to nothing, somebody else was quicker with the same token. */
  async function answer(ctx: Context, used: Registered | undefined): Promise<void> {
    if (!used) return unauthorized(ctx)
    ctx.body = answerOf(used, issuer)
  }

  router.get('/register/:clientId', async (ctx) => {
    const found = await managed(ctx)
    if (!found) return
    await record(ctx, 'read', found.clientId)
    await answer(ctx, await registration.use(found.clientId, found.token))
  })

  router.put('/register/:clientId', async (ctx) => {
    const found = await managed(ctx)
    if (!found) return
    const { clientId, token, current } = found
    const metadata = replacement(await readJson(ctx), current)
    if ('error' in metadata) return refuse(ctx, 400, metadata.error, metadata.description, clientId)
    if (!current.sandbox) {
      const why = 'what this app says of itself has been verified: ask the operator of this server to change it'
      return refuse(ctx, 403, 'access_denied', why, clientId)
    }
    await record(ctx, 'changed', clientId)
    await answer(ctx, await registration.replace(clientId, token, metadata))
  })

  function replacement(said: unknown, { client: { client_id: clientId } }: StoredClient): ReturnType<typeof readMetadata> {
    const wrong = (description: string) => ({ error: 'invalid_client_metadata', member: 'client_id', description }) as const
    if (!isMapping(said)) return wrong('the body must be a JSON object')
    if (said.client_id !== clientId) return wrong('client_id must be that of the client')
    const told = TOLD.find((name) => Object.hasOwn(said, name))
    if (told !== undefined) return wrong(`${told} must not be sent back`)
    return readMetadata(said, { clientId, allowedHosts })
  }

  router.delete('/register/:clientId', async (ctx) => {
    const found = await managed(ctx)
    if (!found) return
    // The token is spent first: of a deletion and anything else at once, one is done.
    if (!(await registration.use(found.clientId, found.token))) return unauthorized(ctx)
    await record(ctx, 'deleted', found.clientId)
    await registration.remove(found.clientId)
    ctx.status = 204
  })

  router.post('/register/:clientId/secret', async (ctx) => {
    const found = await managed(ctx)
    if (!found) return
    const { clientId, token, current } = found
    if (!hasSecret(current.client))
      return refuse(ctx, 400, 'invalid_request', 'only a client_secret_basic client has a secret', clientId)
    await record(ctx, 'secret-rotated', clientId)
    await answer(ctx, await registration.rotateSecret(clientId, token))
  })

  router.post('/register/:clientId/production', async (ctx) => {
    const found = await managed(ctx)
    if (!found) return
    const { clientId, token, current } = found
    if (!mayAskForProduction(current))
      return refuse(ctx, 400, 'invalid_request', 'production has been asked for already, or is open to this app', clientId)
    await record(ctx, 'production-asked', clientId)
    await answer(ctx, await registration.use(clientId, token, (stored) => askingForProduction(stored, now())))
  })

  return router
}

function tokenOf(ctx: Context): string | undefined {
  return CREDENTIALS.exec(ctx.get('Authorization'))?.[1]
}
