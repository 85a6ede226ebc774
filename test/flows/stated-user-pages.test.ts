/**
 * Where an EHR's signed statement does not stand in for sign-in: wherever somebody would have to be asked something.
 * Who has the handle may be the app itself, and a page that it opens with it is worth nothing.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { authorize, newApp } from '../harness/app-client.ts'
import { type Changes, claimsOf, signed } from '../harness/backend-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { EHR_KEY, PASSWORD } from '../harness/clinic-config.ts'
import { askLaunch } from '../harness/ehr.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { SECOND_APP, withoutSecondFactor } from '../harness/visit.ts'

const SCOPE = 'openid fhirUser launch patient/Patient.rs'
const CONTEXT = { client_id: 'heart-app', fhirServer: 'clinic', patient: 'john' }
const SECOND = { ...CONTEXT, client_id: 'second-app' }

/** The organization has approved one of the two for its clinicians. */
const change = (config: Config): Config =>
  withoutSecondFactor({
    ...config,
    clients: config.clients.map((client) =>
      client.client_id === 'clinic-ehr'
        ? { ...client, launch_apps: ['heart-app', 'second-app'], user_assertion_issuers: [{ issuer: 'clinic-ehr' }] }
        : client.client_id === 'heart-app'
          ? { ...client, approved_for_clinicians: true }
          : client
    )
  })

const statement = (issuer: string, changes: Changes = {}): string =>
  signed(EHR_KEY, { ...claimsOf('clinic-ehr', issuer), sub: 'lee@ehr', fhirUser: 'Practitioner/lee', ...changes })

describe.each(STORES)('case 93: a statement where somebody has to be asked, on %s', (store) => {
  let keyward: Keyward
  let browser: Browser
  beforeAll(async () => {
    keyward = await startKeyward({ store, change })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward?.stop())
  beforeEach(() => {
    browser = newBrowser(keyward.issuer)
  })

  async function launched(context: object, options: Parameters<typeof newApp>[1] = {}, changes: Changes = {}) {
    const { body } = await askLaunch(keyward.issuer, { ...context, user_assertion: statement(keyward.issuer, changes) })
    const app = newApp(keyward.issuer, options)
    return { app, url: app.authorizationUrl({ scope: SCOPE, launch: String(body.launch) }) }
  }
  const second = async () => (await launched(SECOND, SECOND_APP)).url

  test('an app that is not approved for clinicians shows the page for sign-in, and no consent page before it', async () => {
    const signIns = (await keyward.auditEvents('sign-in')).length
    expect((await browser.open(await second())).step).toBe('login')
    expect(await browser.open(browser.page.url.replace('/login', '/consent'))).toMatchObject({ status: 400 })
    expect(await keyward.auditEvents('sign-in')).toHaveLength(signIns)
  })

  test('not even in a browser in which a statement for an approved app has just signed its user in', async () => {
    const { app, url } = await launched(CONTEXT)
    app.codeFrom(await browser.open(url))
    expect((await browser.open(await second())).step).toBe('login')
  })

  test('not even where the user has said yes to the app before', async () => {
    const app = newApp(keyward.issuer, SECOND_APP)
    const { body } = await askLaunch(keyward.issuer, { ...SECOND, user: 'Practitioner/lee' })
    const code = app.authorizationUrl({ scope: SCOPE, launch: String(body.launch) })
    app.codeFrom(await authorize(browser, code, { username: 'dr.lee' }))
    const elsewhere = newBrowser(keyward.issuer)
    expect((await elsewhere.open(await second())).step).toBe('login')
  })

  test('somebody else who signs in gets nothing', async () => {
    const { app, url } = await launched(SECOND, SECOND_APP)
    await browser.open(url)
    expect((await browser.submit({ username: 'maria', password: PASSWORD })).step).toBe('patient')
    const callback = await browser.submit({})
    expect(() => app.codeFrom(callback)).toThrow('access_denied')
  })

  test('a patient is asked, though an organization has approved the app for its clinicians', async () => {
    const url = (await launched(CONTEXT, {}, { fhirUser: 'Patient/john' })).url
    expect((await browser.open(url)).step).toBe('login')
  })

  test.each(['login', 'consent'])('prompt=%s asks for a page, so it is preceded by sign-in', async (prompt) => {
    expect((await browser.open(`${(await launched(CONTEXT)).url}&prompt=${prompt}`)).step).toBe('login')
  })

  test('and nobody who was signed in is signed out for it', async () => {
    await authorize(browser, newApp(keyward.issuer).authorizationUrl(), { username: 'maria' })
    await browser.open(await second())
    expect((await browser.open(`${keyward.issuer}/account`)).step).toBe('')
  })
})

test('case 93: an EHR whose registration does not name the app signs nobody in at it', async () => {
  const unnamed = (config: Config): Config => {
    const { clients, ...rest } = change(config)
    return { ...rest, clients: clients.map(({ launch_apps: _named, ...client }) => client) }
  }
  const keyward = await startKeyward({ change: unnamed })
  try {
    const { status, body } = await askLaunch(keyward.issuer, { ...CONTEXT, user_assertion: statement(keyward.issuer) })
    expect(status).toBe(201)
    const url = newApp(keyward.issuer).authorizationUrl({ scope: SCOPE, launch: String(body.launch) })
    expect((await newBrowser(keyward.issuer).open(url)).step).toBe('login')
  } finally {
    await keyward.stop()
  }
})
