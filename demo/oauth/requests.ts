/** The requests that a client's server makes: to find Keyward through a FHIR server, to get tokens, and to read records. */
import { z } from 'zod'
import type { Credentials } from './credentials.ts'

const smartConfiguration = z.looseObject({
  issuer: z.url(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  revocation_endpoint: z.url(),
  jwks_uri: z.url()
})
export type SmartConfiguration = z.infer<typeof smartConfiguration>

const tokens = z.looseObject({
  access_token: z.string(),
  expires_in: z.number(),
  scope: z.string(),
  refresh_token: z.string().optional(),
  id_token: z.string().optional(),
  patient: z.string().optional()
})
export type Tokens = z.infer<typeof tokens>

/** What came instead of what was asked for, in words for the page. */
export class RequestRefused extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const patience = 10_000

async function ask(url: string, init: RequestInit = {}): Promise<unknown> {
  const answer = await fetch(url, { redirect: 'error', ...init, signal: AbortSignal.timeout(patience) })
  if (answer.ok) return answer.json()
  throw new RequestRefused(
    answer.status,
    `${new URL(url).host} answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`
  )
}

/** SMART App Launch 2.2, "Conformance" */
export async function discover(fhirBaseUrl: string): Promise<SmartConfiguration> {
  return smartConfiguration.parse(await ask(`${fhirBaseUrl}/.well-known/smart-configuration`))
}

export async function askTokens(endpoint: string, form: Record<string, string>, proof: Credentials): Promise<Tokens> {
  const { fields, headers } = proof(endpoint)
  return tokens.parse(await ask(endpoint, { method: 'POST', headers, body: new URLSearchParams({ ...form, ...fields }) }))
}

/** RFC 7009: whatever the answer, the token is not used again. */
export async function revoke(endpoint: string, token: string, proof: Credentials): Promise<void> {
  const { fields, headers } = proof(endpoint)
  const init = { method: 'POST', headers, body: new URLSearchParams({ token, ...fields }), signal: AbortSignal.timeout(patience) }
  await (await fetch(endpoint, init)).body?.cancel()
}

export function readRecords(url: string, accessToken: string): Promise<unknown> {
  return ask(url, { headers: { authorization: `Bearer ${accessToken}`, accept: 'application/fhir+json' } })
}
