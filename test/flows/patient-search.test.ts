/** A clinician opens an app from outside the EHR, and finds the patient at the FHIR server. */
import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { introspect, newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { type FhirServerUnderTest, OWN_NAME, searching, startFhirServerUnderTest } from '../harness/fhir-server.ts'
import { type Keyward, STORES, startKeyward } from '../harness/keyward.ts'
import { all, submitForm, textOf, walkTo } from '../harness/on-pages.ts'
import { searchedFhirServer } from '../harness/searched-fhir-server.ts'
import { newVisit, SECOND_APP, withoutSecondFactor } from '../harness/visit.ts'

const SCOPE = 'openid fhirUser launch/patient patient/Patient.rs'

const PARTIES = { accountId: expect.any(String), clientId: 'heart-app', fhirServer: 'clinic' }

describe.each(STORES)("a clinician's search for a patient on %s", (store) => {
  let fhir: FhirServerUnderTest
  let keyward: Keyward
  searchedFhirServer(store, (started) => {
    ;({ fhir, keyward } = started)
  })

  /** At the page of the search. */
  async function atSearch(scope = SCOPE): Promise<{ browser: Browser; app: ReturnType<typeof newApp> }> {
    const app = newApp(keyward.issuer)
    const browser = newBrowser(keyward.issuer)
    await walkTo(browser, app.authorizationUrl({ scope, aud: fhir.baseUrl }), 'patient', { username: 'dr.lee' })
    return { app, browser }
  }

  const picks = (browser: Browser) => browser.form(1).radios.map(({ value }) => value)

  /** Sends the form of the results, which comes after that of the search. */
  const send = (browser: Browser, fields: Record<string, string>) => submitForm(browser, 1, fields)

  test('SM-043, SM-157, SM-159: finds one of several by name, and the app gets that patient', async () => {
    const { app, browser } = await atSearch()
    expect(browser.page.html).toContain('type="date"')
    await browser.submit({ name: 'diaz leo', birthdate: '' })
    expect(picks(browser)).toEqual(['leo', 'leo-too'])
    const text = textOf(browser.page)
    expect(text).toMatch(/Leo Diaz Born June 3, 2017, \d+ years old Male · Record number number-of-leo\b/)
    expect(text).toMatch(/Leo Diaz Born February 20, 1951, \d+ years old Male · Record number number-of-leo-too\b/)
    expect(browser.form(1).radios.filter(({ checked }) => checked)).toEqual([])

    await send(browser, { patient: 'leo' })
    expect(browser.page.step).toBe('consent')
    expect(textOf(browser.page)).toContain('wants to see Leo Diaz’s health information')
    const { body } = await app.redeem(app.codeFrom(await browser.submit({ decision: 'allow' })))
    expect(body).toMatchObject({ patient: 'leo', scope: expect.stringContaining('launch/patient') })
    expect((await introspect(keyward.issuer, body.access_token ?? '')).body).toMatchObject({
      active: true,
      patient: 'leo',
      fhirUser: `${fhir.baseUrl}/Practitioner/lee`
    })
    // What a clinician allows is allowed to the app, whoever the patient of this launch was.
    await browser.open(`${keyward.issuer}/account`)
    expect(textOf(browser.page)).toContain('Heart App')
    expect(textOf(browser.page)).not.toContain('Leo')
  })

  test('finds by birth date alone, and by both', async () => {
    const { browser } = await atSearch()
    await browser.submit({ name: '', birthdate: '1951-02-20' })
    expect(picks(browser)).toEqual(['leo-too'])
    await browser.submit({ name: 'Leo', birthdate: '2017-06-03' })
    expect(picks(browser)).toEqual(['leo'])
    await browser.submit({ name: 'Nobody', birthdate: '2017-06-03' })
    expect(textOf(browser.page)).toContain('Nobody was found')
  })

  test('turns the pages there and back, and keeps what was typed out of addresses and log', async () => {
    const { browser } = await atSearch()
    await browser.submit({ name: 'Many', birthdate: '' })
    expect(picks(browser)).toHaveLength(10)
    await send(browser, { page: '1' })
    await send(browser, { page: '2' })
    expect(picks(browser)).toEqual(['many-20', 'many-21', 'many-22'])
    expect(browser.page.html).not.toContain('Next page')
    await send(browser, { page: '1' })
    expect(picks(browser)[0]).toBe('many-10')
    expect(browser.page.html).not.toMatch(/_from|127\.0\.0\.1:\d+\/fhir\/Patient/)
    // A page that no page before it has named.
    await send(browser, { page: '50' })
    expect(browser.page.status).toBe(422)
    expect(textOf(browser.page)).toContain('That search is too old')
    expect(keyward.log.join('')).not.toMatch(/many/i)
    expect(JSON.stringify(await keyward.audit())).not.toMatch(/name=|"many"/i)
  })

  test.each([
    [{ name: '', birthdate: '' }, 'Please type a name or a birth date'],
    [{ name: ' , ', birthdate: '' }, 'Please type a name or a birth date'],
    [{ name: 'd', birthdate: '' }, 'Please type two letters or more'],
    [{ name: 'Diaz', birthdate: '2017-02-31' }, 'There is no such date'],
    [{ name: 'Diaz', birthdate: 'June' }, 'There is no such date']
  ])('asks nobody with %j', async (typed, problem) => {
    const { browser } = await atSearch()
    const before = fhir.asked.length
    await browser.submit(typed)
    expect(browser.page.status).toBe(422)
    expect(textOf(browser.page)).toContain(problem)
    expect(fhir.asked).toHaveLength(before)
  })

  test('a patient whom the FHIR server does not show can not be picked, whatever the form says', async () => {
    const { browser } = await atSearch()
    await browser.submit({ name: 'Diaz', birthdate: '' })
    for (const patient of ['ghost', '../Encounter/leo-visit-1', 'leo/_history/1', '..', 'leo?_summary=true']) {
      await send(browser, { patient })
      expect(browser.page.status).toBe(422)
      expect(textOf(browser.page)).toContain('not there any more')
    }
    await send(browser, {})
    expect(textOf(browser.page)).toContain('Please choose one patient')
    expect(await keyward.auditEvents('patient-choice')).toContainEqual({
      type: 'patient-choice',
      outcome: 'refused',
      reason: 'not-found',
      ...PARTIES,
      patient: 'ghost'
    })
    expect(browser.page.url).toContain('/patient')
  })

  test('a search is for the person and the sign-in that began it', async () => {
    const { browser } = await atSearch()
    await browser.submit({ name: 'Diaz', birthdate: '' })
    const { search = '' } = browser.form(1).hidden
    const other = await atSearch()
    await other.browser.submit({ name: 'Smith', birthdate: '' })
    await send(other.browser, { search, page: '0' })
    expect(textOf(other.browser.page)).toContain('That search is too old')
    expect(textOf(other.browser.page)).not.toContain('Diaz Born')
  })

  test('what the trail says: who searched where and with what result, who was picked, each token', async () => {
    const before = (await keyward.audit()).length
    const { browser } = await atSearch()
    await browser.submit({ name: 'Smith', birthdate: '' })
    await send(browser, { patient: 'john' })
    const events = (await keyward.audit()).slice(before).map(({ event }) => event)
    const token = {
      type: 'token',
      outcome: 'issued',
      grantType: 'own',
      clientId: OWN_NAME,
      fhirServer: 'clinic',
      scopes: ['system/Patient.rs']
    }
    expect(events.filter(({ type }) => ['token', 'record-search', 'patient-choice'].includes(type))).toEqual([
      token,
      { type: 'record-search', outcome: 'answered', found: 1, resourceType: 'Patient', ...PARTIES },
      token,
      { type: 'patient-choice', outcome: 'accepted', patient: 'john', ...PARTIES }
    ])
  })

  test('its tokens search and read one type, at one FHIR server, for half a minute, and are of no client', async () => {
    const { browser } = await atSearch()
    await browser.submit({ name: 'Diaz', birthdate: '' })
    const { introspected } = fhir.asked.at(-1) ?? {}
    expect(introspected).toMatchObject({
      active: true,
      scope: 'system/Patient.rs',
      client_id: OWN_NAME,
      sub: OWN_NAME,
      aud: fhir.baseUrl
    })
    expect(Number(introspected?.exp) - Number(introspected?.iat)).toBeLessThanOrEqual(60)
    const records = await all<{ clientId?: string; jti: string; gty?: string }>(keyward, 'AccessToken')
    const own = records.find(({ clientId }) => clientId === OWN_NAME)
    expect((await introspect(keyward.issuer, own?.jti ?? '', 'other-fhir')).text).toBe('{"active":false}')

    // Nobody is that client: not at the token endpoint, not at introspection, not at /authorize.
    const app = newApp(keyward.issuer, { clientId: OWN_NAME })
    expect((await app.redeem('code')).body.error).toBe('invalid_client')
    const secret = newApp(keyward.issuer, { clientId: OWN_NAME, secret: 'guess' })
    expect((await secret.post('/token', { grant_type: 'client_credentials', scope: 'system/Patient.rs' })).status).toBe(401)
    expect((await secret.post('/introspect', { token: own?.jti })).status).toBe(401)
    const page = await newBrowser(keyward.issuer).open(app.authorizationUrl({ aud: fhir.baseUrl }))
    expect({ status: page.status, step: page.step }).toEqual({ status: 400, step: '' })
  })

  test('a FHIR server that is given JWTs is asked with one that says the same', async () => {
    const there = await startFhirServerUnderTest()
    const withJwts = (config: Config): Config => {
      const { fhirServers, ...others } = searching(there)(config)
      return { ...others, fhirServers: fhirServers.map((one) => ({ ...one, accessTokenFormat: 'jwt' })) }
    }
    const other = await startKeyward({ store, change: withJwts })
    try {
      there.introspectAt(other.issuer)
      const browser = newBrowser(other.issuer)
      const url = newApp(other.issuer).authorizationUrl({ scope: SCOPE, aud: there.baseUrl })
      await walkTo(browser, url, 'patient', { username: 'dr.lee' })
      await browser.submit({ name: 'Smith', birthdate: '' })
      expect(picks(browser)).toEqual(['john'])
      const { token = '', introspected } = there.asked.at(-1) ?? {}
      const claims: Record<string, unknown> = decodeJwt(token)
      expect(claims).toMatchObject({ client_id: OWN_NAME, aud: there.baseUrl, scope: 'system/Patient.rs' })
      expect(introspected).toMatchObject({ active: true, client_id: OWN_NAME, exp: claims.exp })
    } finally {
      await other.stop()
      await there.stop()
    }
  })

  test('a patient without a name can be picked, and is called nobody', async () => {
    fhir.records.push({ resourceType: 'Patient', id: 'nameless', birthDate: '1900-01-01' })
    const { browser } = await atSearch('openid launch/patient patient/Goal.rs')
    await browser.submit({ name: '', birthdate: '1900-01-01' })
    expect(textOf(browser.page)).toContain('No name on record')
    await send(browser, { patient: 'nameless' })
    expect(textOf(browser.page)).toContain('wants to see the record that you have open')
  })

  test('who leaves shares nothing', async () => {
    const { browser } = await atSearch()
    await browser.submit({ decision: 'deny' })
    expect(new URL(browser.page.url).searchParams.get('error')).toBe('access_denied')
  })

  test('a form with more than the page has is refused', async () => {
    const { browser } = await atSearch()
    await browser.submit({ name: 'Diaz', birthdate: '', url: 'http://127.0.0.1/' })
    expect(browser.page.status).toBe(400)
  })

  test('without a patient to ask about nobody is searched for, and each launch asks again', async () => {
    const visit = newVisit(keyward, SECOND_APP)
    const callback = await visit.code({ scope: 'openid user/Patient.rs', aud: fhir.baseUrl }, { username: 'dr.lee' })
    expect((await visit.app.redeem(callback)).body.patient).toBeUndefined()
    await visit.browser.open(visit.app.authorizationUrl({ scope: SCOPE, aud: fhir.baseUrl }))
    expect(visit.browser.page.step).toBe('patient')
  })

  test('at a FHIR server without patientSearch a clinician has to come from the EHR', async () => {
    const plain = await startKeyward({ store, change: withoutSecondFactor })
    try {
      const browser = newBrowser(plain.issuer)
      await walkTo(browser, newApp(plain.issuer).authorizationUrl({ scope: SCOPE }), 'patient', { username: 'dr.lee' })
      expect(textOf(browser.page)).toContain('No record is open')
    } finally {
      await plain.stop()
    }
  })
})
