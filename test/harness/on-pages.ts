/** The way through Keyward's pages one step at a time: to stop on one of them, or to send a form that no page would. */
import { vi } from 'vitest'
import { authorize, type SignInAs, totpCode } from './app-client.ts'
import type { Browser, Form, Page } from './browser.ts'
import { PASSWORD } from './clinic-config.ts'
import type { Keyward } from './keyward.ts'

export type Step = 'login' | 'mfa' | 'patient' | 'consent'

/** Opens an authorization request and goes on until the page of a step is shown. */
export async function walkTo(
  browser: Browser,
  url: string,
  step: Step,
  { username = 'maria', patient = 'leo' }: Pick<SignInAs, 'patient'> & { username?: string } = {}
): Promise<Page> {
  let page = await browser.open(url)
  for (let steps = 0; steps < 4 && page.step !== step && page.step !== ''; steps++) {
    if (page.step === 'login') page = await browser.submit({ username, password: PASSWORD })
    else if (page.step === 'mfa')
      page = await browser.submit({ code: await totpCode(username === 'dr.lee' ? 'dr.lee' : 'maria') })
    else if (page.step === 'patient') page = await browser.submit({ patient })
    else break
  }
  if (page.step !== step) throw new Error(`asked for ${step}, got ${page.status} ${page.url} ${textOf(page)}`)
  return page
}

/** Signs in at Keyward's own page and stays there. */
export async function signInToAccount(browser: Browser, issuer: string, as: SignInAs = {}): Promise<Page> {
  return authorize(browser, `${issuer}/account`, as)
}

export interface Sent {
  /** Instead of the form's own address. */
  url?: string
  headers?: Record<string, string>
  /** Instead of the token in the form; undefined where none is sent. */
  csrf?: string | undefined
}

/** Sends a form as a browser does, or nearly; nothing is followed. */
export async function post(
  browser: Browser,
  form: Form,
  fields: Record<string, string | string[]>,
  sent: Sent = {}
): Promise<Response> {
  const body = new URLSearchParams(form.hidden)
  if ('csrf' in sent) body.delete('csrf')
  if (sent.csrf !== undefined) body.set('csrf', sent.csrf)
  for (const [name, value] of Object.entries(fields)) {
    if (Array.isArray(value)) for (const one of value) body.append(name, one)
    else body.set(name, value)
  }
  return browser.send(sent.url ?? form.action, { method: 'POST', body, ...(sent.headers ? { headers: sent.headers } : {}) })
}

/** Sends a form of the page, not the first one, and goes where it leads. */
export async function submitForm(browser: Browser, index: number, fields: Record<string, string>): Promise<void> {
  const { url } = browser.page
  const answer = await post(browser, browser.form(index), fields, { headers: { Origin: new URL(url).origin } })
  const location = answer.headers.get('location')
  if (location !== null) await browser.open(new URL(location, url).href)
  else browser.page = { ...browser.page, status: answer.status, headers: answer.headers, html: await answer.text() }
}

/** What a person reads on a page, in one line. */
export function textOf({ html }: { html: string }): string {
  return html
    .replace(/<(script|style)\b[\s\S]*?<\/\1>/g, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ')
    .trim()
}

/** Moves Date on: a one-time code is good once, and a later one is needed for each sign-in. */
export function forward(milliseconds = 30_000): void {
  vi.setSystemTime(Date.now() + milliseconds)
}

const KINDS = [
  'account',
  'consent',
  'Interaction',
  'Session',
  'Grant',
  'AuthorizationCode',
  'AccessToken',
  'RefreshToken',
  'attempts'
]

/** Everything that a decision could have changed, to be compared with what it was. */
export async function stateOf(keyward: Keyward): Promise<Record<string, string[]>> {
  const state: Record<string, string[]> = {}
  for (const name of KINDS) state[name] = (await all<unknown>(keyward, name)).map((record) => JSON.stringify(record)).sort()
  return state
}

/** All records of a kind. */
export async function all<T>({ store }: Keyward, name: string): Promise<T[]> {
  const records: T[] = []
  let after: string | undefined
  do {
    const page = await store.walk<T>({ name }, { limit: 500, ...(after === undefined ? {} : { after }) })
    records.push(...page.records)
    after = page.next
  } while (after !== undefined)
  return records
}
