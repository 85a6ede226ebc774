/** An app that nobody launched asks for a visit, or another record of the patient in context, and the person picks it. */
import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { introspect, newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { mint } from '../harness/ehr.ts'
import { type FhirServerUnderTest, searchset, send } from '../harness/fhir-server.ts'
import { type Keyward, STORES } from '../harness/keyward.ts'
import { submitForm, textOf, walkTo } from '../harness/on-pages.ts'
import { searchedFhirServer } from '../harness/searched-fhir-server.ts'

const ROLE = 'https://clinic.example/roles/second-opinion'
const ASKED = `launch/encounter launch/diagnosticreport launch/diagnosticreport?role=${ROLE} launch/patient?role=${ROLE}`

/** The app may ask for these; an aunt may share only what Leo was vaccinated with. */
function withMore(config: Config): Config {
  const { clients, accounts, ...others } = config
  const aunt = { id: 'leo', relationship: 'other', name: 'Leo Diaz', scope: 'patient/Immunization.rs' }
  return {
    ...others,
    clients: clients.map((one) =>
      one.client_id === 'heart-app' ? { ...one, smart_scope: `${one.smart_scope} ${ASKED} launch/goal launch/task` } : one
    ),
    accounts: accounts.map((one) =>
      one.username === 'john'
        ? { ...one, people: [{ fhirServer: 'clinic', fhirUser: 'RelatedPerson/a', patients: [aunt] }] }
        : one
    )
  }
}

describe.each(STORES)('a visit, or another record, that a person picks, on %s', (store) => {
  let fhir: FhirServerUnderTest
  let keyward: Keyward
  searchedFhirServer(
    store,
    (started) => {
      ;({ fhir, keyward } = started)
    },
    withMore
  )

  /** Signed in, and at the page of the patient or of the record, whichever is asked first. */
  async function begin(scope: string, username = 'dr.lee', params: Record<string, string> = {}) {
    const app = newApp(keyward.issuer)
    const browser = newBrowser(keyward.issuer)
    await walkTo(browser, app.authorizationUrl({ scope, aud: fhir.baseUrl, ...params }), 'patient', { username })
    return { app, browser }
  }
  const find = async (browser: Browser, name: string, patient: string) => {
    await browser.submit({ name, birthdate: '' })
    await submitForm(browser, 1, { patient })
  }
  const choices = (browser: Browser) => browser.form().radios.map(({ value }) => value)
  const allow = async ({ app, browser }: Awaited<ReturnType<typeof begin>>) =>
    app.redeem(app.codeFrom(await browser.submit({ decision: 'allow' })))

  test('SM-044, SM-156, SM-160: a clinician picks the patient and then the visit; tokens and introspection name both', async () => {
    const at = await begin('openid offline_access launch/patient launch/encounter patient/Patient.rs')
    await find(at.browser, 'Leo', 'leo')
    expect(textOf(at.browser.page)).toMatch(/Which visit is it about\? From the record of Leo Diaz, born June 3, 2017/)
    expect(textOf(at.browser.page)).toMatch(/November 18, 2025 Asthma Main building.*June 11, 2024 Check-up Main building/)
    expect(choices(at.browser)).toEqual(['leo-visit-2', 'leo-visit-1'])
    await at.browser.submit({ record: 'leo-visit-2' })
    const { body } = await allow(at)
    expect(body).toMatchObject({ patient: 'leo', encounter: 'leo-visit-2' })
    expect(body).not.toHaveProperty('fhirContext')
    expect((await introspect(keyward.issuer, body.access_token ?? '')).body).toMatchObject({
      patient: 'leo',
      encounter: 'leo-visit-2'
    })
    expect((await at.app.refresh(body.refresh_token ?? '')).body).toMatchObject({ patient: 'leo', encounter: 'leo-visit-2' })
    expect(await keyward.auditEvents('record-choice')).toContainEqual({
      type: 'record-choice',
      outcome: 'accepted',
      accountId: expect.any(String),
      clientId: 'heart-app',
      fhirServer: 'clinic',
      patient: 'leo',
      record: 'Encounter/leo-visit-2'
    })
  })

  test('whoever was picked by mistake is taken back, and another one picked; two of one name are told apart', async () => {
    const at = await begin('openid launch/patient launch/encounter')
    await find(at.browser, 'Leo', 'leo-too')
    expect(textOf(at.browser.page)).toContain('There is no visit We looked in the record of Leo Diaz, born February 20, 1951.')
    await at.browser.submit({ decision: 'other' })
    expect(textOf(at.browser.page)).toContain('For which patient')
    await find(at.browser, 'Leo', 'leo')
    expect(textOf(at.browser.page)).toContain('From the record of Leo Diaz, born June 3, 2017')
    await at.browser.submit({ record: 'leo-visit-1' })
    // The app was allowed before: nobody is asked again.
    expect((await at.app.redeem(at.app.codeFrom(at.browser.page))).body).toMatchObject({
      patient: 'leo',
      encounter: 'leo-visit-1'
    })
  })

  test('SM-160: a parent picks the child, and then a visit of the child', async () => {
    const at = await begin('openid launch/encounter patient/Patient.rs', 'maria')
    await at.browser.submit({ patient: 'leo' })
    await at.browser.submit({ decision: 'other' })
    expect(choices(at.browser)).toEqual(['maria', 'leo'])
    await at.browser.submit({ patient: 'leo' })
    expect(choices(at.browser)).toEqual(['leo-visit-2', 'leo-visit-1'])
    await at.browser.submit({ record: 'leo-visit-1' })
    expect((await allow(at)).body).toMatchObject({ patient: 'leo', encounter: 'leo-visit-1' })
  })

  test('SM-159: a visit without any other word of a patient is of a patient all the same', async () => {
    const at = await begin('openid launch/encounter user/Encounter.rs')
    await find(at.browser, 'Leo', 'leo')
    await at.browser.submit({ record: 'leo-visit-1' })
    const { body } = await allow(at)
    expect(body).toMatchObject({ encounter: 'leo-visit-1' })
    expect(body).not.toHaveProperty('patient')
  })

  test('SM-161, SM-162, SM-168: records of other types come in fhirContext, with the role that was asked for', async () => {
    const scope = `openid offline_access launch/patient ${ASKED} launch/goal patient/Patient.rs`
    const at = await begin(scope)
    await find(at.browser, 'Leo', 'leo')
    await at.browser.submit({ record: 'leo-visit-1' })
    expect(textOf(at.browser.page)).toContain('Which report is it about?')
    await at.browser.submit({ record: 'leo-report' })
    await at.browser.submit({ record: 'leo-report' })
    const { body } = await allow(at)
    const fhirContext = [{ reference: 'DiagnosticReport/leo-report' }, { reference: 'DiagnosticReport/leo-report', role: ROLE }]
    expect(body).toMatchObject({ patient: 'leo', encounter: 'leo-visit-1', fhirContext })
    // What nobody can be asked to pick is not granted, and the trail says why.
    const granted = body.scope?.split(' ') ?? []
    expect(granted).toContain(`launch/diagnosticreport?role=${ROLE}`)
    expect(granted.filter((one) => one === 'launch/goal' || one.startsWith('launch/patient?'))).toEqual([])
    expect((await keyward.auditEvents('authorization')).at(-1)).toMatchObject({
      dropped: [
        { scope: `launch/patient?role=${ROLE}`, why: 'context-not-offered' },
        { scope: 'launch/goal', why: 'context-not-offered' }
      ]
    })
    expect((await introspect(keyward.issuer, body.access_token ?? '')).body).toMatchObject({ fhirContext })
    const less = await at.app.refresh(body.refresh_token ?? '', { scope: 'launch/diagnosticreport patient/Patient.rs' })
    expect(less.body).toMatchObject({ patient: 'leo', fhirContext: fhirContext.slice(0, 1) })
    expect(less.body).not.toHaveProperty('encounter')
  })

  test.each([
    ['maria-visit-1', 'of somebody else'],
    ['ghost', 'that is not there'],
    ['../Patient/maria', 'that is a path']
  ])('a visit, %s, %s is not taken, whatever the form says', async (record) => {
    const { browser } = await begin('openid launch/patient launch/encounter')
    await find(browser, 'Leo', 'leo')
    await browser.submit({ record })
    expect(browser.page.status).toBe(422)
    expect(textOf(browser.page)).toContain('not there any more')
    expect((await keyward.auditEvents('record-choice')).at(-1)).toMatchObject({ outcome: 'refused', reason: 'not-found' })
    expect(choices(browser)).toEqual(['leo-visit-2', 'leo-visit-1'])
    await browser.submit({})
    expect(textOf(browser.page)).toContain('Please choose one')
  })

  test.each(['entered-in-error', 'cancelled'])(
    'a visit that is %s by now is not taken: no page would show it',
    async (status) => {
      const { browser } = await begin('openid launch/patient launch/encounter')
      await find(browser, 'Leo', 'leo')
      const subject = { reference: 'Patient/leo' }
      fhir.answer((request, response) => {
        if (!request.url?.includes('/Encounter/leo-visit-1')) return send(response, 200, searchset([]))
        return send(response, 200, { resourceType: 'Encounter', id: 'leo-visit-1', status, subject })
      })
      await browser.submit({ record: 'leo-visit-1' })
      expect(browser.page.step).toBe('patient')
      expect((await keyward.auditEvents('record-choice')).at(-1)).toMatchObject({ outcome: 'refused', reason: 'not-found' })
      fhir.answer()
    }
  )

  test('a patient without a visit: the launch ends there, and nothing is shared', async () => {
    const { browser } = await begin('openid launch/patient launch/encounter')
    await find(browser, 'Smith', 'john')
    expect(textOf(browser.page)).toMatch(
      /There is no visit We looked in the record of John Smith, born November 30, 1949\. Heart App asks for one, so it can’t be opened.*Nothing was shared/
    )
    await browser.submit({ decision: 'deny' })
    expect(new URL(browser.page.url).searchParams.get('error')).toBe('access_denied')
  })

  test('who may share only a part of a record is not shown the rest of it to pick from', async () => {
    const scope = 'openid launch/patient launch/encounter patient/Immunization.rs'
    const app = newApp(keyward.issuer)
    const browser = newBrowser(keyward.issuer)
    await walkTo(browser, app.authorizationUrl({ scope, aud: fhir.baseUrl }), 'consent', { username: 'john' })
    const { body } = await app.redeem(app.codeFrom(await browser.submit({ decision: 'allow' })))
    expect(body.scope?.split(' ')).not.toContain('launch/encounter')
    expect(body).not.toHaveProperty('encounter')
  })

  test('SM-076: what the EHR has open comes from the EHR, and nobody is asked', async () => {
    const launch = await mint(keyward.issuer, { client_id: 'heart-app', fhirServer: 'clinic', patient: 'leo', encounter: 'v-9' })
    const app = newApp(keyward.issuer)
    const browser = newBrowser(keyward.issuer)
    const scope = 'openid launch launch/patient launch/encounter launch/goal patient/Patient.rs'
    await walkTo(browser, app.authorizationUrl({ scope, launch, aud: fhir.baseUrl }), 'consent', { username: 'dr.lee' })
    const { body } = await app.redeem(app.codeFrom(await browser.submit({ decision: 'allow' })))
    expect(body).toMatchObject({ patient: 'leo', encounter: 'v-9', scope: expect.stringContaining('launch/goal') })

    // Without a record open there, no other is searched for here.
    const none = await mint(keyward.issuer, { client_id: 'heart-app', fhirServer: 'clinic' })
    const second = newApp(keyward.issuer)
    await walkTo(browser, second.authorizationUrl({ scope, launch: none, aud: fhir.baseUrl }), 'patient', { username: 'dr.lee' })
    expect(textOf(browser.page)).toContain('No record is open')
  })

  test('SM-044: discovery promises it where it works, and not elsewhere', async () => {
    const of = async (id: string) => {
      const answer = await fetch(`${keyward.issuer}/fhir/${id}/.well-known/smart-configuration`)
      const document: { capabilities: string[]; scopes_supported: string[] } = JSON.parse(await answer.text())
      return [
        document.capabilities.includes('context-standalone-encounter'),
        document.scopes_supported.includes('launch/encounter'),
        document.scopes_supported.includes('launch/diagnosticreport'),
        document.capabilities.includes('context-standalone-patient')
      ]
    }
    expect(await of('clinic')).toEqual([true, true, true, true])
    expect(await of('other')).toEqual([false, false, false, true])
  })
})
