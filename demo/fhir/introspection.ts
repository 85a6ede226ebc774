/**
 * Asks the authorization server about a token, at every request and without a
 * cache: what the patient stops, stops with the next request.
 *
 * RFC 7662; SMART App Launch 2.2, "Token Introspection"
 */
import { FhirError, invalidToken } from './outcome.ts'
import type { TokenContext } from './permissions.ts'
import { isObject } from './resource.ts'

export interface IntrospectionOptions {
  introspectionEndpoint: string
  clientId: string
  clientSecret: string
  issuer: string
  /** The FHIR base URL for which tokens must be meant. */
  baseUrl: string
}

const PATIENCE = 5_000

/** The context of the Bearer token in an Authorization header; throws the FhirError with which to answer. */
export function createIntrospection(options: IntrospectionOptions) {
  const credentials = `${formEncode(options.clientId)}:${formEncode(options.clientSecret)}`
  const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`

  async function ask(token: string): Promise<Record<string, unknown>> {
    try {
      const response = await fetch(options.introspectionEndpoint, {
        method: 'POST',
        headers: { authorization, accept: 'application/json' },
        body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
        redirect: 'error',
        signal: AbortSignal.timeout(PATIENCE)
      })
      const answer: unknown = response.ok ? await response.json() : undefined
      if (isObject(answer)) return answer
      // Read what is left, so that the connection is free again.
      await response.body?.cancel()
    } catch {
      // Not reachable, too slow or not JSON: one answer for all.
    }
    throw new FhirError(503, 'transient', 'Tokens cannot be checked at the moment', { 'Retry-After': '5' })
  }

  return async function tokenContext(header: string | undefined): Promise<TokenContext> {
    if (header === undefined) throw invalidToken('A Bearer token is needed')
    const [, token] = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header) ?? []
    if (token === undefined) throw invalidToken('The Authorization header holds no Bearer token')
    const answer = await ask(token)
    if (answer.active !== true) throw invalidToken('The token is not active')
    if (![answer.aud].flat().includes(options.baseUrl)) throw invalidToken('The token is for another server')
    if (answer.iss !== undefined && answer.iss !== options.issuer) throw invalidToken('The token is from another issuer')
    return { scope: textOf(answer.scope) ?? '', patient: textOf(answer.patient), fhirUser: textOf(answer.fhirUser) }
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** RFC 6749, section 2.3.1: id and secret are form-encoded before they become Basic credentials. */
function formEncode(value: string): string {
  return new URLSearchParams({ value }).toString().slice('value='.length)
}
