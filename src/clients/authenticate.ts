/**
 * Client authentication, wherever Keyward asks for it: token, revocation,
 * introspection, pushed requests. A client has one method, the registered one, and
 * a request uses one. Who is unknown, disabled, registered for something else or
 * holds the wrong secret gets one and the same answer; the audit trail is told which.
 *
 * RFC 6749 §2.3; SMART App Launch 2.2, "Client Authentication"
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Context } from 'koa'
import type { ClientConfig } from '../config/config.ts'
import type { Assertions } from './assertions.ts'
import { type BasicCredentials, readBasic } from './basic-credentials.ts'
import type { Clients } from './clients.ts'
import type { RegisteredClient } from './stored-clients.ts'

export type ClientAuthMethod = ClientConfig['token_endpoint_auth_method']

export type ClientAuthentication = { ok: true; client: ClientConfig; method: ClientAuthMethod } | ClientRefusal

export interface ClientRefusal {
  ok: false
  status: 400 | 401
  error: 'invalid_client' | 'invalid_request'
  description: string
  /** A fixed text for the audit trail, which holds nothing that was sent. */
  reason: string
  /** The registered client that was named, if it is one. */
  clientId?: string
}

export interface ClientAuthenticator {
  /** `form` is the body of the request, each field once: who reads it refuses a field that comes twice. */
  authenticate(request: ClientRequest): Promise<ClientAuthentication>
}

export interface ClientRequest {
  authorization: string | undefined
  form: Record<string, string | undefined>
}

const FAILED = 'client authentication failed'

interface Deps {
  clients: Clients
  assertions: Assertions
}

export function createClientAuthenticator({ clients, assertions }: Deps): ClientAuthenticator {
  const digests = secretDigests()

  async function byBasic(authorization: string, clientId: string | undefined): Promise<ClientAuthentication> {
    const readings = readBasic(authorization)
    if (!readings) return refusal('malformed-authorization-header')
    const { client, secrets } = await named(readings)
    const expected = client?.token_endpoint_auth_method === 'client_secret_basic' ? registeredOf(client) : undefined
    const matches = digests.match(expected ?? {}, secrets)
    if (!client) return refusal('unknown-client')
    if (expected === undefined) return refusal('other-method-registered', client)
    if (!matches) return refusal('wrong-secret', client)
    if (clientId !== undefined && clientId !== client.client_id)
      return malformed('client_id is not the client that authenticates')
    return client.disabled ? refusal('client-disabled', client) : { ok: true, client, method: 'client_secret_basic' }
  }

  /** The client that a header names, and what it may mean as that client's secret. */
  async function named(readings: BasicCredentials[]): Promise<{ client: RegisteredClient | undefined; secrets: string[] }> {
    for (const id of new Set(readings.map((reading) => reading.id))) {
      const client = await clients.find(id)
      if (client) return { client, secrets: readings.filter((reading) => reading.id === id).map(({ secret }) => secret) }
    }
    return { client: undefined, secrets: readings.map(({ secret }) => secret) }
  }

  async function byNothing(clientId: string): Promise<ClientAuthentication> {
    const client = await clients.find(clientId)
    if (!client) return refusal('unknown-client')
    if (client.token_endpoint_auth_method !== 'none') return refusal('no-authentication', client)
    return client.disabled ? refusal('client-disabled', client) : { ok: true, client, method: 'none' }
  }

  async function byAssertion(form: ClientRequest['form']): Promise<ClientAuthentication> {
    const found = await assertions.check(form)
    if (found.ok) return { ok: true, client: found.client, method: 'private_key_jwt' }
    return { ...refusal(found.reason, found.client), description: found.description }
  }

  return {
    async authenticate(request) {
      const found = await proven(request)
      if (found.ok) await clients.used(found.client)
      return found
    }
  }

  async function proven({ authorization, form }: ClientRequest): Promise<ClientAuthentication> {
    const { client_id: clientId, client_secret: secret, client_assertion: assertion, client_assertion_type: type } = form
    const usesAssertion = assertion !== undefined || type !== undefined
    const methods = [Boolean(authorization), secret !== undefined, usesAssertion].filter(Boolean)
    if (methods.length > 1) return malformed('a request uses one method of client authentication, not several')
    if (authorization) return byBasic(authorization, clientId)
    if (secret !== undefined) return refusal('secret-in-body')
    if (usesAssertion) return byAssertion(form)
    return clientId ? byNothing(clientId) : refusal('no-authentication')
  }
}

function refusal(reason: string, client?: ClientConfig): ClientRefusal {
  const clientId = client ? { clientId: client.client_id } : {}
  return { ok: false, status: 401, error: 'invalid_client', description: FAILED, reason, ...clientId }
}

function malformed(description: string): ClientRefusal {
  return { ok: false, status: 400, error: 'invalid_request', description, reason: description }
}

/** Compares secrets by their hashes, in constant time; the hash of a registered one is kept, so that each try costs one. */
function secretDigests() {
  const kept = new Map<string, Buffer>()
  const nobodys = randomBytes(32)

  function digestOf(registered: string): Buffer {
    const known = kept.get(registered)
    if (known) return known
    if (kept.size >= MOST_KEPT) kept.clear()
    const made = digest(registered)
    kept.set(registered, made)
    return made
  }

  function expectedOf({ secret, hashes = [] }: Registered): Buffer[] {
    if (secret !== undefined) return [digestOf(secret)]
    return hashes.length === 0 ? [nobodys] : hashes.map((one) => Buffer.from(one, 'base64url'))
  }

  return {
    /** Whether one of the secrets is a registered one. The work is the same where none is registered. */
    match(registered: Registered, secrets: string[]): boolean {
      const expected = expectedOf(registered)
      return secrets
        .map((secret) => digest(secret))
        .flatMap((given) => expected.map((one) => timingSafeEqual(given, one)))
        .includes(true)
    }
  }
}

/** As the configuration has it, or the hashes of those that are valid now: two, while one takes the place of the other. */
interface Registered {
  secret?: string | undefined
  hashes?: readonly string[] | undefined
}

function registeredOf({ client_secret: secret, secret_hashes: hashes }: RegisteredClient): Registered | undefined {
  return secret === undefined && hashes === undefined ? undefined : { secret, hashes }
}

const MOST_KEPT = 10_000

const digest = (text: string): Buffer => hash('sha256', text, 'buffer')

/** What tells which client an HTTP Basic header proves, or undefined, where nothing else is asked for. */
export function basicAuthenticator(clients: Clients): (authorization: string | undefined) => Promise<ClientConfig | undefined> {
  const assertions: Assertions = { check: async () => ({ ok: false, description: FAILED, reason: 'not-here' }) }
  const authenticator = createClientAuthenticator({ clients, assertions })
  return async (authorization) => {
    if (!authorization) return undefined
    const found = await authenticator.authenticate({ authorization, form: {} })
    return found.ok ? found.client : undefined
  }
}

/** RFC 6749 §5.2: failed client authentication, or none, is 401 and names the scheme that is wanted. */
export function answerUnauthenticated(ctx: Context, description: string): void {
  ctx.status = 401
  ctx.set('WWW-Authenticate', 'Basic realm="keyward"')
  ctx.body = { error: 'invalid_client', error_description: description }
}
