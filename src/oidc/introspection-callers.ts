/**
 * Who asks at introspection: a FHIR server by HTTP Basic, by an assertion in the
 * form, or by an access token with the scope `__introspect`. What it may be told is
 * decided in introspection.ts, whichever of the three it was.
 *
 * RFC 7662 §2.1; SMART App Launch 2.2, "Token Introspection"
 */
import type { Context } from 'koa'
import { answerUnauthenticated, basicAuthenticator, type ClientAuthenticator } from '../clients/authenticate.ts'
import type { Clients } from '../clients/clients.ts'
import type { ClientConfig } from '../config/config.ts'
import { readForm } from '../web/form.ts'
import type { bearerAuthenticator } from './bearer.ts'

export interface CallerDeps {
  clients: Clients
  authenticator: ClientAuthenticator
  bearerClient: ReturnType<typeof bearerAuthenticator>
}

/** With `refused` the answer is on the context already; undefined: nothing that proves anything was sent. */
export type Caller = ClientConfig | { refused: 400 | 401 | 403; clientId?: string } | undefined

const BEARER = /^bearer(?: |$)/i
const CREDENTIALS = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'] as const

export function introspectionCallers({ clients, authenticator, bearerClient }: CallerDeps): (ctx: Context) => Promise<Caller> {
  const byBasic = basicAuthenticator(clients)

  async function byBearer(ctx: Context): Promise<Caller> {
    const asking = await bearerClient(ctx, '__introspect')
    return 'client' in asking ? asking.client : asking
  }

  /** Only an assertion: a client that names itself, or sends its secret in the form, has proved nothing. */
  async function byAssertion(ctx: Context): Promise<Caller> {
    // A body that is no form has no assertion in it.
    const form = await readForm(ctx, CREDENTIALS).catch(() => undefined)
    if (!form?.client_assertion) return undefined
    const sent = Object.fromEntries(Object.entries(form).filter(([, value]) => value !== ''))
    const found = await authenticator.authenticate({ authorization: undefined, form: sent })
    if (found.ok) return found.client
    const { status, error, description, clientId } = found
    if (status === 401) answerUnauthenticated(ctx, description)
    else {
      ctx.status = status
      ctx.body = { error, error_description: description }
    }
    return { refused: status, ...(clientId ? { clientId } : {}) }
  }

  return (ctx) => {
    const { authorization } = ctx.req.headers
    if (!authorization) return byAssertion(ctx)
    return BEARER.test(authorization) ? byBearer(ctx) : byBasic(authorization)
  }
}
