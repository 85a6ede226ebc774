/** What an authorization request that is refused answers, and what the audit trail gains by it. */
import { expect } from 'vitest'
import type { AuditRecord } from '../../src/audit/event.ts'
import { type AppClient, authorize } from './app-client.ts'
import { type Browser, newBrowser } from './browser.ts'
import type { Keyward } from './keyward.ts'

/** For Dr Lee, who works with no patient in context: once allowed, a request for it goes straight to the callback. */
export const CLINICIAN_SCOPE = 'openid fhirUser user/Patient.rs user/Observation.rs'

/** A browser in which Dr Lee is signed in and has allowed the app what CLINICIAN_SCOPE says. */
export async function allowedBrowser({ issuer }: Keyward, app: AppClient, browser = newBrowser(issuer)): Promise<Browser> {
  app.codeFrom(await authorize(browser, app.authorizationUrl({ scope: CLINICIAN_SCOPE }), { username: 'dr.lee' }))
  return browser
}

/** Does one thing, and returns what the audit trail has gained by it, oldest first, without the chain's own records. */
export async function recordsOf<T>(keyward: Keyward, act: () => Promise<T>): Promise<{ done: T; records: AuditRecord[] }> {
  const before = (await keyward.audit()).length
  const done = await act()
  const records = (await keyward.audit()).slice(before)
  return { done, records: records.filter(({ event }) => event.type !== 'audit-chain') }
}

export interface Refused {
  status: number
  location: string | null
  html: string
  /** The members of the redirect, be they in the query or in the fragment. */
  params: Record<string, string>
}

/** Sends an authorization request that is refused at once: nothing is issued, and one record says so. */
export async function refused(
  keyward: Keyward,
  url: string,
  by: { clientId?: string; accountId?: string; browser?: Browser } = {}
): Promise<Refused> {
  const browser = by.browser ?? newBrowser(keyward.issuer)
  const { done: response, records } = await recordsOf(keyward, () => browser.send(url))
  const location = response.headers.get('Location')
  const params = location === null ? {} : paramsOf(location)
  expect(Object.keys(params).filter((name) => ['code', 'access_token', 'id_token', 'token_type'].includes(name))).toEqual([])
  expectOneRefusal(records, { clientId: by.clientId, requestId: response.headers.get('X-Request-Id') })
  return { status: response.status, location, html: await response.text(), params }
}

export function paramsOf(location: string): Record<string, string> {
  const { search, hash } = new URL(location)
  return Object.fromEntries([...new URLSearchParams(search), ...new URLSearchParams(hash.slice(1))])
}

function expectOneRefusal(
  records: readonly AuditRecord[],
  { clientId, requestId }: { clientId: string | undefined; requestId: string | null }
): void {
  expect(records.map(({ event }) => ({ type: event.type, outcome: event.outcome }))).toEqual([
    { type: 'authorization', outcome: 'refused' }
  ])
  const [record] = records
  expect(record?.source).toEqual({ requestId, address: '127.0.0.1' })
  expect(record?.event).toHaveProperty('reason', expect.stringMatching(/./))
  if (clientId !== undefined) expect(record?.event).toHaveProperty('clientId', clientId)
}

/** At the server, with no way out: what a request gets whose app or redirect_uri can't be trusted. */
export function expectPageWithoutRedirect({ status, location, html }: Refused): void {
  expect({ status, location }).toEqual({ status: 400, location: null })
  expect(html).toMatch(/^<!doctype html>/i)
}

/** Back at the app, with the error and with nothing else than it may know. */
export function expectErrorAt({ status, location, params }: Refused, redirectUri: string, error: string): void {
  expect({ status, at: location?.split(/[?#]/)[0], error: params.error }).toEqual({ status: 303, at: redirectUri, error })
}
