/** One person in one browser with one app: signed in once, so that every further code is a request or two away. And what the audit trail says of a moment. */
import { expect } from 'vitest'
import type { AuditRecord } from '../../src/audit/event.ts'
import type { Config } from '../../src/config/config.ts'
import { type AppClient, authorize, newApp, type SignInAs, type TokenResponse } from './app-client.ts'
import { type Browser, newBrowser } from './browser.ts'
import { SECRETS } from './clinic-config.ts'
import type { Keyward } from './keyward.ts'
import { recordsOf } from './refusals.ts'

export const SECOND_APP = { clientId: 'second-app', redirectUri: 'http://localhost:9005/cb' }
export const SMALL_APP = { clientId: 'small-app', redirectUri: 'http://127.0.0.1/cb' }
export const LAB_APP = { clientId: 'lab-app', redirectUri: 'https://lab.example/cb', secret: SECRETS['lab-app'] }

export interface Tokens {
  access: string
  refresh: string
  response: TokenResponse
}

export interface Visit {
  app: AppClient
  browser: Browser
  /** A new authorization; what was decided before is not asked again. */
  code(params?: Record<string, string>, as?: SignInAs): Promise<string>
  /** A new authorization, redeemed. */
  tokens(params?: Record<string, string>, as?: SignInAs): Promise<Tokens>
}

export function newVisit({ issuer }: Keyward, options: Parameters<typeof newApp>[1] = {}, browser = newBrowser(issuer)): Visit {
  const app = newApp(issuer, options)
  const code: Visit['code'] = async (params = {}, as = {}) =>
    app.codeFrom(await authorize(browser, app.authorizationUrl(params), as))
  return {
    app,
    browser,
    code,
    async tokens(params, as) {
      const response = await app.redeem(await code(params, as))
      if (response.status !== 200) throw new Error(`no tokens: ${response.text}`)
      return tokensIn(response)
    }
  }
}

export function tokensIn(response: TokenResponse): Tokens {
  return { access: response.body.access_token ?? '', refresh: response.body.refresh_token ?? '', response }
}

/** For tests in which the second factor is not the point: each of its codes is good once in 30 seconds. */
export function withoutSecondFactor(config: Config): Config {
  return { ...config, secondFactor: { ...config.secondFactor, patients: 'off', clinicians: 'off' } }
}

/** Whether the organization approves Heart App for its clinicians: asked at each request, so that a test can give it and take it back. */
export function approvedWhile(config: Config, isApproved: () => boolean): Config {
  return withoutSecondFactor({
    ...config,
    clients: config.clients.map((client) =>
      client.client_id === 'heart-app'
        ? Object.defineProperty({ ...client }, 'approved_for_clinicians', { get: isApproved, enumerable: true })
        : client
    )
  })
}

/** No second try of a refresh: every second use of a token ends its family. */
export function strictly(config: Config): Config {
  return { ...withoutSecondFactor(config), lifetimes: { ...config.lifetimes, refreshRetry: 0 } }
}

/** What is recorded while something happens. */
export async function recorded(keyward: Keyward, act: () => Promise<unknown>): Promise<AuditRecord[]> {
  return (await recordsOf(keyward, act)).records
}

/** The one event that is recorded while something happens, with its time and source: case 140. */
export async function theRecordOf(keyward: Keyward, act: () => Promise<unknown>): Promise<AuditRecord['event'] | undefined> {
  const records = await recorded(keyward, act)
  expect(records).toEqual([
    expect.objectContaining({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      source: { requestId: expect.stringMatching(/^[0-9a-f-]{36}$/), address: '127.0.0.1' }
    })
  ])
  return records[0]?.event
}

/** Presses a button of /account: 'sign-out', 'stop' of an app, or 'stop-for-now' of one that the organization has approved. */
export async function pressAtAccount(
  { browser }: Pick<Visit, 'browser'>,
  { issuer }: Pick<Keyward, 'issuer'>,
  button: 'stop' | 'stop-for-now' | 'sign-out',
  app = 'Heart App'
): Promise<string> {
  await browser.open(`${issuer}/account`)
  // One card with one form for each app, and the form that signs out after them.
  const [, ...cards] = browser.page.html.split('<li class="card">')
  const heading = button === 'stop' ? 'h2' : 'h3'
  const index = button === 'sign-out' ? cards.length : cards.findIndex((card) => card.includes(`>${app}</${heading}>`))
  if (index < 0) throw new Error(`${app} is not on the account page`)
  const { action, hidden } = browser.form(index)
  if (!action.endsWith(button === 'sign-out' ? '/account/sign-out' : '/account/stop'))
    throw new Error(`the account page has no ${button}: ${action}`)
  const headers = { Origin: issuer, 'Sec-Fetch-Site': 'same-origin' }
  const answer = await browser.send(action, { method: 'POST', body: new URLSearchParams(hidden), headers })
  if (answer.status !== 200) throw new Error(`${button} was answered with ${answer.status}`)
  return answer.text()
}
