/**
 * The ways in which an authorization request arrives besides a plain GET; each ends as one, which the engine then checks.
 * A POST is kept under a one-time id and answered with 303 to GET: on that the browser sends its cookies, which are
 * SameSite=Lax (SMART App Launch 2.2, "Obtain authorization code"; `authorize-post`). A pushed request (RFC 9126) is kept
 * in the same way by its client, which must authenticate. A signed one (request-object.ts) is what it says inside.
 */
import Router from '@koa/router'
import type { Context } from 'koa'
import type Provider from 'oidc-provider'
import type { AuditTrail } from '../audit/trail.ts'
import { answerUnauthenticated, type ClientAuthenticator, type ClientRefusal } from '../clients/authenticate.ts'
import type { FhirServer } from '../config/config.ts'
import { fhirServerAt } from '../smart/fhir-servers.ts'
import { readBody } from '../web/body.ts'
import { FORM, refuseManyFields } from '../web/form.ts'
import { PageError } from '../web/page-error.ts'
import { postOnly } from '../web/post-only.ts'
import { sourceOf } from '../web/request.ts'
import { isPushed, type PushedRequests } from './pushed-requests.ts'
import type { RequestObjects } from './request-object.ts'

interface Deps {
  /** Handed over when it is asked, since it is made from what is made after this. */
  provider: () => Provider
  authenticator: ClientAuthenticator
  pushed: PushedRequests
  requestObjects: RequestObjects
  fhirServers: readonly FhirServer[]
  audit: AuditTrail
}

const CREDENTIALS = new Set(['client_secret', 'client_assertion', 'client_assertion_type'])

/** Seconds. A browser follows a redirect at once; an app sends the browser when it has the answer. */
const POSTED_FOR = 60
const PUSHED_FOR = 60

export function authorizationRequests({ provider, authenticator, pushed, requestObjects, fhirServers, audit }: Deps): Router {
  const router = new Router()

  router.post('/authorize', async (ctx) => {
    const body = await readForm(ctx)
    // What stands in the address belongs to the request too: an app may have been given an address with a query of its own.
    const query = [ctx.querystring, body].filter(Boolean).join('&')
    const requestUri = await pushed.push({ query, anybodyAt: sourceOf(ctx).address }, POSTED_FOR)
    ctx.set('Cache-Control', 'no-store')
    // 303, never 307: the form must not be sent again. RFC 9700 §4.12
    ctx.status = 303
    ctx.redirect(`/authorize?${new URLSearchParams({ request_uri: requestUri })}`)
  })

  router.get('/authorize', async (ctx, next) => {
    const requestUri = onlyOf(ctx.query.request_uri)
    if (requestUri !== undefined && isPushed(requestUri)) {
      const query = await pushed.redeem(requestUri, onlyOf(ctx.query.client_id))
      if (query === undefined) return turnAway(ctx, 'request-uri-unknown-or-used', 'expired')
      // Parameters beside it are not the client's word. RFC 9126 §4
      ctx.querystring = query
    }
    const signed = onlyOf(ctx.query.request)
    if (signed !== undefined) {
      const read = await requestObjects.read(signed, onlyOf(ctx.query.client_id))
      // Where nothing is proved, there is no address to go back to.
      if (!read.ok) return turnAway(ctx, `request: ${read.reason}`, 'bad-request')
      ctx.querystring = String(read.params)
    }
    return next()
  })

  async function turnAway(ctx: Context, reason: string, page: 'expired' | 'bad-request'): Promise<never> {
    await audit.record(sourceOf(ctx), { type: 'authorization', outcome: 'refused', reason })
    throw new PageError(400, page)
  }

  router.all('/par', async (ctx) => {
    if (ctx.method !== 'POST') return postOnly(ctx)
    ctx.set('Cache-Control', 'no-store')
    const body = await readForm(ctx)
    const params = new URLSearchParams(body)
    const doubled = [...new Set(params.keys())].find((name) => name !== 'resource' && params.getAll(name).length > 1)
    if (doubled !== undefined) {
      await audit.record(sourceOf(ctx), { type: 'authorization', outcome: 'refused', reason: 'pushed: repeated-parameter' })
      return refuse(ctx, 400, 'invalid_request', 'a parameter comes more than once')
    }
    const authenticated = await authenticator.authenticate({
      authorization: ctx.get('Authorization') || undefined,
      form: Object.fromEntries(params)
    })
    if (!authenticated.ok) return unauthenticated(ctx, authenticated)
    const { client_id: clientId } = authenticated.client
    const asked = await askedFor(params, clientId)
    if ('error' in asked) {
      const { error, description } = asked
      await audit.record(sourceOf(ctx), { type: 'authorization', outcome: 'refused', reason: `pushed: ${error}`, clientId })
      return refuse(ctx, 400, error, description)
    }
    asked.params.set('client_id', clientId)
    const query = String(asked.params)
    const anybodyAt = authenticated.method === 'none' ? sourceOf(ctx).address : undefined
    const requestUri = await pushed.push({ query, clientId, anybodyAt }, PUSHED_FOR)
    ctx.status = 201
    ctx.body = { request_uri: requestUri, expires_in: PUSHED_FOR }
  })

  /** The parameters of what was pushed, signed or plain, without what proved who pushed it. */
  async function askedFor(
    params: URLSearchParams,
    clientId: string
  ): Promise<{ params: URLSearchParams } | { error: string; description: string }> {
    const signed = params.get('request')
    const read = signed === null ? undefined : await requestObjects.read(signed, clientId)
    if (read && !read.ok) return { error: 'invalid_request_object', description: read.description }
    const asked = read?.params ?? new URLSearchParams([...params].filter(([name]) => !CREDENTIALS.has(name)))
    return (await problemOf(asked, clientId)) ?? { params: asked }
  }

  /** What can be said at once, before a browser comes: everything is checked again when it does. RFC 9126 §2.1 */
  async function problemOf(
    params: URLSearchParams,
    clientId: string
  ): Promise<{ error: string; description: string } | undefined> {
    const client = await provider().Client.find(clientId)
    const invalid = (description: string) => ({ error: 'invalid_request', description })
    if (params.has('request_uri')) return invalid('request_uri can not be pushed')
    if (params.get('response_type') !== 'code')
      return { error: 'unsupported_response_type', description: 'response_type must be code' }
    if (!client?.redirectUriAllowed(params.get('redirect_uri') ?? '')) return invalid('redirect_uri is not registered')
    if (params.get('code_challenge_method') !== 'S256' || !params.get('code_challenge'))
      return invalid('code_challenge and code_challenge_method=S256 are required')
    if (!fhirServerAt(fhirServers, params.get('aud') ?? params.get('resource')))
      return invalid('aud must be the base URL of a FHIR server that this server authorizes for')
    return undefined
  }

  async function unauthenticated(ctx: Context, { status, error, description, reason, clientId }: ClientRefusal): Promise<void> {
    const whose = clientId === undefined ? {} : { clientId }
    await audit.record(sourceOf(ctx), { type: 'authorization', outcome: 'refused', reason: `pushed: ${reason}`, ...whose })
    if (status === 401) answerUnauthenticated(ctx, description)
    else refuse(ctx, status, error, description)
  }
  return router
}

async function readForm(ctx: Context): Promise<string> {
  if (!ctx.is(FORM)) throw new PageError(415, 'unsupported-type')
  const body = await readBody(ctx)
  refuseManyFields(body)
  return body.toString('latin1')
}

function refuse(ctx: Context, status: number, error: string, description: string): void {
  ctx.status = status
  ctx.body = { error, error_description: description }
}

/** The value of a parameter that comes once; one that comes twice is the engine's to refuse. */
function onlyOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? undefined : value
}
