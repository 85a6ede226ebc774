/** Somebody who is signed in and lets the app come back: new codes and tokens at every call, and the Stop of the account page. */
import { authorize, newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser, type Page } from '../harness/browser.ts'
import { FHIR_BASE } from '../harness/clinic-config.ts'
import { type Attempt, type Recorder, redeeming } from './recorder.ts'

const SCOPE = 'openid fhirUser offline_access user/Patient.rs'

export interface Held {
  access: string
  refresh: string
}

export interface Person {
  browser: Browser
  verifier: string
  fhirUser: string
  /** What the app asks for. `prompt=consent` asks the person although she was asked before. */
  authorizationUrl(params?: Record<string, string>): string
  codeFrom(callback: Page): string
  code(): Promise<string>
  tokens(): Promise<Held>
  /** The form that stops the app, ready to be sent to any replica; `tokens`, codes among them, are what has to end by it. */
  stopping(port: number, tokens: string[]): Promise<Attempt>
}

/** The clinician's sign-in takes one factor at these sites, so that no test waits for a new code. */
export async function newPerson(issuer: string, { calls, perform }: Recorder, port: number): Promise<Person> {
  const app = newApp(issuer)
  const browser = newBrowser(issuer)
  const fhirUser = `${FHIR_BASE}/Practitioner/lee`
  const authorizationUrl = (params: Record<string, string> = {}) => app.authorizationUrl({ scope: SCOPE, ...params })
  const code = async () => app.codeFrom(await authorize(browser, authorizationUrl(), { username: 'dr.lee' }))
  await code()
  return {
    browser,
    verifier: app.verifier,
    fhirUser,
    authorizationUrl,
    codeFrom: app.codeFrom,
    code,
    async tokens() {
      const [answer] = await perform([redeeming(port, await code(), app.verifier, fhirUser)])
      if (answer?.type !== 'tokens') throw new Error(`no tokens: ${JSON.stringify(calls.at(-1))}`)
      return answer
    },
    async stopping(to, tokens) {
      await browser.open(`${issuer}/account`)
      const { action, hidden } = browser.form()
      const { pathname } = new URL(action)
      if (pathname !== '/account/stop') throw new Error('there is nothing to stop')
      const operation = { type: 'end' as const, tokens }
      return { port: to, path: pathname, form: hidden, headers: sentBy(browser, issuer, pathname), operation }
    }
  }
}

/** What this browser sends along with a form of its page, cookies by their paths. */
export function sentBy({ cookies }: Browser, issuer: string, path: string): Record<string, string> {
  const fit = cookies.filter((cookie) => path === cookie.path || path.startsWith(cookie.path.replace(/\/?$/, '/')))
  return {
    Accept: 'text/html',
    Cookie: fit.map(({ name, value }) => `${name}=${value}`).join('; '),
    Origin: issuer,
    'Sec-Fetch-Site': 'same-origin'
  }
}
