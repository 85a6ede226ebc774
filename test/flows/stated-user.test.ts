/** A launch with the EHR's signed statement of who its user is: no second sign-in, for that launch alone, where nobody has to be asked. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAccounts } from '../../src/accounts/accounts.ts'
import { createPasswords } from '../../src/accounts/password.ts'
import type { Config } from '../../src/config/config.ts'
import { authorize, newApp } from '../harness/app-client.ts'
import { type Changes, claimsOf, newClientKey, signed } from '../harness/backend-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { EHR_KEY, FHIR_BASE, PASSWORD } from '../harness/clinic-config.ts'
import { askLaunch, ehrBearer } from '../harness/ehr.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { theRecordOf } from '../harness/visit.ts'

const SCOPE = 'openid fhirUser launch patient/Patient.rs'
const IDP = 'https://idp.example'
const idpKey = newClientKey('RS384')
const CONTEXT = { client_id: 'heart-app', fhirServer: 'clinic', patient: 'leo' }

/** Clinicians have a second factor to give here, whenever they sign in themselves. */
const change = (config: Config): Config => ({
  ...config,
  clients: config.clients.map((client) =>
    client.client_id === 'clinic-ehr'
      ? {
          ...client,
          launch_apps: ['heart-app', 'second-app'],
          user_assertion_issuers: [{ issuer: 'clinic-ehr' }, { issuer: IDP, jwks: { keys: [idpKey.jwk] } }]
        }
      : client.client_id === 'heart-app'
        ? { ...client, approved_for_clinicians: true }
        : client
  )
})

describe.each(STORES)('an EHR that signs in its user, on %s', (store) => {
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

  const statement = (changes: Changes = {}, key = EHR_KEY): string =>
    signed(key, { ...claimsOf('clinic-ehr', keyward.issuer), sub: 'lee@ehr', fhirUser: 'Practitioner/lee', ...changes })
  const ask = (changes: Changes = {}, key = EHR_KEY) =>
    askLaunch(keyward.issuer, { ...CONTEXT, user_assertion: statement(changes, key) })
  async function launchUrl(app = newApp(keyward.issuer), changes: Changes = {}): Promise<string> {
    const { status, text, body } = await ask(changes)
    expect({ status, text }).toMatchObject({ status: 201 })
    return app.authorizationUrl({ scope: SCOPE, launch: String(body.launch) })
  }

  test('SM-073: its user is in the app without a page, and amr says how', async () => {
    const app = newApp(keyward.issuer)
    const page = await browser.open(await launchUrl(app))
    const { body } = await app.redeem(app.codeFrom(page))
    expect(body.patient).toBe('leo')
    const claims = JSON.parse(Buffer.from(body.id_token?.split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ fhirUser: `${FHIR_BASE}/Practitioner/lee`, amr: ['fed'] })
    expect(await keyward.auditEvents('sign-in')).toContainEqual(
      expect.objectContaining({ outcome: 'accepted', ehr: 'clinic-ehr', accountId: expect.any(String) })
    )
  })

  test.each([
    ['an absolute fhirUser', {}, { fhirUser: `${FHIR_BASE}/Practitioner/lee` }, EHR_KEY],
    ['an issuer that the EHR is registered with', {}, { iss: IDP }, idpKey]
  ])('%s is taken too', async (_what, _more, changes, key) => {
    expect(await ask(changes, key)).toMatchObject({ status: 201 })
  })

  test('such a session opens neither the account page nor another authorization', async () => {
    const app = newApp(keyward.issuer)
    app.codeFrom(await browser.open(await launchUrl(app)))
    const account = await browser.open(`${keyward.issuer}/account`)
    expect(account.step).toBe('login')
    const standalone = newApp(keyward.issuer).authorizationUrl({ scope: 'openid user/Patient.rs' })
    expect((await browser.open(standalone)).step).toBe('login')
    const { body } = await askLaunch(keyward.issuer, { ...CONTEXT, user: 'Practitioner/lee' })
    const unstated = newApp(keyward.issuer).authorizationUrl({ scope: SCOPE, launch: String(body.launch) })
    expect((await browser.open(unstated)).step).toBe('login')
    expect((await browser.submit({ username: 'dr.lee', password: PASSWORD })).step).toBe('mfa')
  })

  test('each launch with a statement of its own goes through in the same browser', async () => {
    for (let count = 0; count < 2; count++) {
      const app = newApp(keyward.issuer)
      app.codeFrom(await browser.open(await launchUrl(app)))
    }
  })

  test('somebody else who was signed in is signed out where the statement signs in', async () => {
    await authorize(browser, newApp(keyward.issuer).authorizationUrl(), { username: 'maria' })
    const [maria] = (await keyward.auditEvents('sign-in')).slice(-1)
    const before = browser.cookies.find(({ name }) => name === 'keyward_session')?.value
    const app = newApp(keyward.issuer)
    const { body } = await app.redeem(app.codeFrom(await browser.open(await launchUrl(app))))
    expect(body.patient).toBe('leo')
    expect(browser.cookies.find(({ name }) => name === 'keyward_session')?.value).not.toBe(before)
    expect(await keyward.auditEvents('sign-out')).toContainEqual(
      expect.objectContaining({ outcome: 'ended', accountId: maria?.accountId })
    )
    expect((await browser.open(`${keyward.issuer}/account`)).step).toBe('login')
  })

  test('whoever has signed in here as this user stays signed in so', async () => {
    await authorize(browser, newApp(keyward.issuer).authorizationUrl({ scope: 'openid user/Patient.rs' }), { username: 'dr.lee' })
    const app = newApp(keyward.issuer)
    app.codeFrom(await browser.open(await launchUrl(app)))
    expect((await browser.open(`${keyward.issuer}/account`)).step).toBe('')
  })

  test.each<[string, Changes, typeof EHR_KEY | undefined]>([
    ['of an unknown issuer', { iss: 'https://evil.example' }, undefined],
    ['without a subject', { sub: undefined }, undefined],
    ['for another server', { aud: 'https://other.example' }, undefined],
    ['with another key', {}, idpKey],
    ['of a trusted issuer with the key of the EHR', { iss: IDP }, undefined],
    ['that has expired', { exp: 1 }, undefined],
    ['that is good for too long', { exp: Math.floor(Date.now() / 1000) + 3600 }, undefined],
    ['without jti', { jti: undefined }, undefined],
    ['without fhirUser', { fhirUser: undefined }, undefined],
    ['of a fhirUser at another server', { fhirUser: 'https://other.example/Practitioner/lee' }, undefined],
    ['of what is no person', { fhirUser: 'Device/1' }, undefined]
  ])('case 5: a statement %s is refused', async (_what, changes, key) => {
    expect(await ask(changes, key)).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
  })

  test('case 5: a statement is good once, and its user is the one whom the launch names', async () => {
    const jti = randomUUID()
    expect((await ask({ jti })).status).toBe(201)
    expect((await ask({ jti })).status).toBe(400)
    // An operator sees why: a replay is no typing mistake.
    expect((await keyward.auditEvents('launch')).at(-1)).toMatchObject({
      outcome: 'refused',
      reason: 'invalid_request: user_assertion: one with this jti has been used before',
      ehr: 'clinic-ehr'
    })
    const other = await askLaunch(keyward.issuer, { ...CONTEXT, user: 'Practitioner/novak', user_assertion: statement() })
    expect(other.status).toBe(400)
  })

  test('case 5: nobody who has no account, or whose account is switched off, is signed in', async () => {
    const refusedAs = async (reason: string, changes: Changes = {}) => {
      const url = await launchUrl(newApp(keyward.issuer), changes)
      const page = await browser.open(url)
      expect([page.status, new URL(page.url).origin]).toEqual([403, keyward.issuer])
      expect(await keyward.auditEvents('sign-in')).toContainEqual(
        expect.objectContaining({ outcome: 'refused', reason, ehr: 'clinic-ehr' })
      )
    }
    await refusedAs('unknown-user', { fhirUser: 'Practitioner/nobody' })
    const accounts = createAccounts({ store: keyward.store, passwords: await createPasswords(), now: Date.now })
    const lee = await accounts.findByFhirUser('clinic', 'Practitioner/lee')
    await accounts.setDisabled(lee?.sub ?? '', true)
    await refusedAs('account-disabled')
    await accounts.setDisabled(lee?.sub ?? '', false)
  })
})

test('an EHR whose registration trusts nobody signs in nobody', async () => {
  const keyward = await startKeyward()
  try {
    const user_assertion = signed(EHR_KEY, { ...claimsOf('clinic-ehr', keyward.issuer), fhirUser: 'Practitioner/lee' })
    const bearer = await ehrBearer(keyward.issuer)
    const event = await theRecordOf(keyward, async () => {
      const answer = await askLaunch(keyward.issuer, { ...CONTEXT, user_assertion }, bearer)
      expect(answer).toMatchObject({ status: 403, body: { error: 'access_denied' } })
    })
    expect(event).toMatchObject({ type: 'launch', outcome: 'refused', ehr: 'clinic-ehr' })
  } finally {
    await keyward.stop()
  }
})
