/**
 * The ways in which an authorization request arrives besides a plain GET; each ends as one, which the engine then checks.
 * A POST is kept under a one-time id and answered with 303 to GET: on that the browser sends its cookies, which are
 * SameSite=Lax (SMART App Launch 2.2, "Obtain authorization code"; `authorize-post`). A pushed request (RFC 9126) is kept
 * in the same way by its client, which must authenticate.
 */
import Router from '@koa/router'
import type { Context } from 'koa'
import type Provider from 'oidc-provider'
import type { AuditTrail } from '../audit/trail.ts'
import { answerUnauthenticated, type ClientAuthenticator, type ClientRefusal } from '../clients/authenticate.ts'
import type { FhirServer } from '../config/config.ts'
import { fhirServerAt } from '../smart/fhir-servers.ts'
import { readBody } from '../web/body.ts'
import { refuseManyFields } from '../web/form.ts'
import { PageError } from '../web/page-error.ts'
import { sourceOf } from '../web/request.ts'
import { isPushed, type PushedRequests } from './pushed-requests.ts'

interface Deps {
  /** Handed over when it is asked, since it is made from what is made after this. */
  provider: () => Provider
  authenticator: ClientAuthenticator
  pushed: PushedRequests
  fhirServers: readonly FhirServer[]
  audit: AuditTrail
}

const FORM = 'application/x-www-form-urlencoded'

/** Seconds. A browser follows a redirect at once; an app sends the browser when it has the answer. */
const POSTED_FOR = 60
const PUSHED_FOR = 60

export function authorizationRequests({ provider, authenticator, pushed, fhirServers, audit }: Deps): Router {
  const router = new Router()

  router.post('/authorize', async (ctx) => {
    const body = await readForm(ctx)
    // What stands in the address belongs to the request too: an app may have been given an address with a query of its own.
    const query = [ctx.querystring, body].filter(Boolean).join('&')
    const requestUri = await pushed.push({ query }, POSTED_FOR)
    ctx.set('Cache-Control', 'no-store')
    // 303, never 307: the form must not be sent again. RFC 9700 §4.12
    ctx.status = 303
    ctx.redirect(`/authorize?${new URLSearchParams({ request_uri: requestUri })}`)
  })

  router.get('/authorize', async (ctx, next) => {
    const [requestUri, ...more] = valuesOf(ctx.query.request_uri)
    if (requestUri === undefined || more.length > 0 || !isPushed(requestUri)) return next()
    const [clientId] = valuesOf(ctx.query.client_id)
    const query = await pushed.redeem(requestUri, clientId)
    if (query === undefined) {
      const reason = 'request-uri-unknown-or-used'
      await audit.record(sourceOf(ctx), { type: 'authorization', outcome: 'refused', reason })
      throw new PageError(400, 'expired')
    }
    // Parameters beside it are not the client's word. RFC 9126 §4
    ctx.querystring = query
    return next()
  })

  router.all('/par', async (ctx) => {
    ctx.set('Cache-Control', 'no-store')
    if (ctx.method !== 'POST') return refuse(ctx, 405, 'invalid_request', 'this endpoint takes POST only')
    const body = await readForm(ctx)
    const params = new URLSearchParams(body)
    const doubled = [...new Set(params.keys())].find((name) => name !== 'resource' && params.getAll(name).length > 1)
    if (doubled !== undefined) return refuse(ctx, 400, 'invalid_request', 'a parameter comes more than once')
    const authenticated = await authenticator.authenticate({
      authorization: ctx.get('Authorization') || undefined,
      form: Object.fromEntries(params)
    })
    if (!authenticated.ok) return unauthenticated(ctx, authenticated)
    const { client_id: clientId } = authenticated.client
    const problem = await problemOf(params, clientId)
    if (problem) {
      const { error, description } = problem
      await audit.record(sourceOf(ctx), { type: 'authorization', outcome: 'refused', reason: `pushed: ${error}`, clientId })
      return refuse(ctx, 400, error, description)
    }
    for (const secret of ['client_secret', 'client_assertion', 'client_assertion_type']) params.delete(secret)
    params.set('client_id', clientId)
    ctx.status = 201
    ctx.body = { request_uri: await pushed.push({ query: String(params), clientId }, PUSHED_FOR), expires_in: PUSHED_FOR }
  })

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
  if (status === 405) ctx.set('Allow', 'POST')
  ctx.status = status
  ctx.body = { error, error_description: description }
}

function valuesOf(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value]
}
