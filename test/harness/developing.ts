/** What developers do at /developer: sign in, fill in the form of an app, press the buttons of its page. */
import type { Config } from '../../src/config/config.ts'
import { type Browser, newBrowser, type Page } from './browser.ts'
import { PASSWORD } from './clinic-config.ts'
import type { Keyward } from './keyward.ts'
import { withRegistration } from './registering.ts'
import { noteSecret } from './run-folder.ts'

/** The sample clinic with a sandbox, and with two people who make apps. */
export const withDevelopers = (config: Config): Config => {
  const registering = withRegistration(config)
  const developer = (username: string, name: string) => ({
    username,
    password: PASSWORD,
    name,
    role: 'developer' as const,
    people: []
  })
  return {
    ...registering,
    secondFactor: { ...registering.secondFactor, developers: 'off' },
    accounts: [...registering.accounts, developer('devi', 'Devi Rao'), developer('dana', 'Dana Cole')]
  }
}

export const FILLED = {
  name: 'Sleep Diary',
  website: 'https://sleep.example',
  policy: 'https://sleep.example/privacy',
  terms: '',
  contacts: 'help@sleep.example',
  type: 'web',
  redirects: 'https://sleep.example/cb\r\n',
  launch: 'https://sleep.example/launch',
  kind: 'none',
  jwksUri: '',
  jwks: '',
  shares: 'no',
  sells: 'no',
  advertises: '',
  keeps: 'while-in-use',
  deletes: 'yes',
  scope: ['openid fhirUser', 'launch/patient', 'offline_access', 'patient/Observation.rs', ''],
  reason: ['', '', 'To tell you of new nights.', 'Shows how you slept.', ''],
  button: 'save'
}

export async function signedIn({ issuer }: Keyward, username: string): Promise<Browser> {
  const browser = newBrowser(issuer)
  await browser.open(`${issuer}/developer`)
  await browser.submit({ username, password: PASSWORD })
  return browser
}

/** Opens the form of a new app and sends it. */
export async function addApp({ issuer }: Keyward, browser: Browser, changes: Partial<typeof FILLED> = {}): Promise<Page> {
  await browser.open(`${issuer}/developer/new`)
  return note(await browser.submit({ ...FILLED, ...changes }))
}

/** Presses the button of the page whose form goes there. */
export async function press(browser: Browser, action: string, fields: Record<string, string> = {}): Promise<Page> {
  const { url, html } = browser.page
  const count = html.split('<form').length - 1
  const index = Array.from({ length: count }, (_, at) => at).find((at) => browser.form(at).action.endsWith(action))
  if (index === undefined) throw new Error(`no form for ${action} on ${url}`)
  const form = browser.form(index)
  // The browser of the tests sends the first form of a page.
  browser.page = { ...browser.page, html: `<form ${html.split('<form')[index + 1]?.split('</form>')[0]}</form>` }
  if (browser.form().action !== form.action) throw new Error('another form')
  return note(await browser.submit(fields))
}

export const idOn = ({ html }: Page): string => /<code id="client-id">([^<]+)</.exec(html)?.[1] ?? ''
export const secretOn = ({ html }: Page): string | undefined => /<code id="secret">([^<]+)</.exec(html)?.[1]

function note(page: Page): Page {
  noteSecret('client secret', secretOn(page))
  return page
}
