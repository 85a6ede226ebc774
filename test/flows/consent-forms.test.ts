import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { post, stateOf, walkTo } from '../harness/on-pages.ts'
import { theRecordOf, withoutSecondFactor } from '../harness/visit.ts'

const SCOPE = 'openid offline_access launch/patient patient/Patient.rs patient/AllergyIntolerance.rs'
const ALLOWED = { decision: 'allow', scope: ['patient/Patient.rs'], duration: '1year' }

describe.each(STORES)('forms that our pages do not make, on %s', (store) => {
  let keyward: Keyward
  let browser: Browser
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withoutSecondFactor })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward.stop())
  beforeEach(() => {
    browser = newBrowser(keyward.issuer)
  })

  const url = () => newApp(keyward.issuer).authorizationUrl({ scope: SCOPE, prompt: 'consent' })

  test.each<[string, Record<string, string | string[]>]>([
    ['a kind that was not asked for', { ...ALLOWED, scope: ['patient/Patient.rs', 'patient/Observation.rs'] }],
    ['everything', { ...ALLOWED, scope: ['patient/*.rs'] }],
    ['everything, to change it', { ...ALLOWED, scope: ['patient/*.cruds'] }],
    ['more of what was asked for', { ...ALLOWED, scope: ['patient/Patient.cruds'] }],
    ['less of it, in words of its own', { ...ALLOWED, scope: ['patient/Patient.r'] }],
    ['the same in version 1', { ...ALLOWED, scope: ['patient/Patient.read'] }],
    ['all patients of the account', { ...ALLOWED, scope: ['user/Patient.rs'] }],
    ['a backend scope', { ...ALLOWED, scope: ['system/*.rs'] }],
    ['a scope that is told and not asked', { ...ALLOWED, scope: ['openid'] }],
    ['an empty scope', { ...ALLOWED, scope: [''] }],
    ['two scopes in one box', { ...ALLOWED, scope: ['patient/Patient.rs patient/AllergyIntolerance.rs'] }],
    ['another client_id', { ...ALLOWED, client_id: 'second-app' }],
    ['the same client_id', { ...ALLOWED, client_id: 'heart-app' }],
    ['another account', { ...ALLOWED, accountId: 'somebody' }],
    ['another patient', { ...ALLOWED, patient: 'maria' }],
    ['another redirect_uri', { ...ALLOWED, redirect_uri: 'https://evil.example/cb' }],
    ['an unknown decision', { ...ALLOWED, decision: 'yes' }],
    ['no decision', { scope: ALLOWED.scope, duration: '1year' }],
    ['an unknown duration', { ...ALLOWED, duration: 'forever' }]
  ])('case 94: consent with %s is refused, and nothing changes', async (_name, fields) => {
    await walkTo(browser, url(), 'consent')
    const form = browser.form()
    const before = await stateOf(keyward)
    const event = await theRecordOf(keyward, async () => {
      expect((await post(browser, form, fields)).status).toBe(400)
    })
    expect(event).toEqual({ type: 'request', outcome: 'refused', reason: 'form' })
    expect(await stateOf(keyward)).toEqual(before)
  })

  test.each<[string, string[]]>([
    ['allow and deny at once', ['decision=allow', 'decision=deny']],
    ['two durations', ['decision=allow', 'duration=today', 'duration=1year']]
  ])('case 94: consent with %s is refused, and nothing changes', async (_name, fields) => {
    await walkTo(browser, url(), 'consent')
    const { action, hidden } = browser.form()
    const before = await stateOf(keyward)
    const body = [`csrf=${hidden.csrf}`, 'scope=patient%2FPatient.rs', ...fields].join('&')
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
    expect((await browser.send(action, { method: 'POST', body, headers })).status).toBe(400)
    expect(await stateOf(keyward)).toEqual(before)
  })

  test.each([
    ['of somebody else', 'john'],
    ['that nobody has', 'no-such-patient'],
    ['in another letter case', 'LEO'],
    ['as a reference', 'Patient/leo'],
    ['with a space', 'leo ']
  ])('case 94: a patient %s is refused, and nothing changes', async (_name, patient) => {
    await walkTo(browser, url(), 'patient')
    const form = browser.form()
    const before = await stateOf(keyward)
    const event = await theRecordOf(keyward, async () => {
      expect((await post(browser, form, { patient })).status).toBe(400)
    })
    expect(event).toEqual({
      type: 'patient-choice',
      outcome: 'refused',
      reason: 'not-permitted',
      accountId: expect.any(String),
      clientId: 'heart-app',
      fhirServer: 'clinic',
      patient
    })
    expect(await stateOf(keyward)).toEqual(before)
    // It was the patient that was refused: with a permitted one the form is good.
    expect((await post(browser, form, { patient: 'leo' })).status).toBe(303)
  })

  test('case 94: a choice of a patient with a field more is refused, and nothing changes', async () => {
    await walkTo(browser, url(), 'patient')
    const form = browser.form()
    const before = await stateOf(keyward)
    const event = await theRecordOf(keyward, async () => {
      expect((await post(browser, form, { patient: 'leo', client_id: 'second-app' })).status).toBe(400)
    })
    expect(event).toEqual({ type: 'request', outcome: 'refused', reason: 'form' })
    expect(await stateOf(keyward)).toEqual(before)
  })

  test('case 94: the form that all of these change a little is accepted', async () => {
    await walkTo(browser, url(), 'consent')
    const event = await theRecordOf(keyward, async () => {
      expect((await post(browser, browser.form(), ALLOWED)).status).toBe(303)
    })
    expect(event).toMatchObject({
      type: 'consent',
      outcome: 'granted',
      clientId: 'heart-app',
      patient: 'leo',
      scopes: ['openid', 'launch/patient', 'patient/Patient.rs'],
      notGranted: ['patient/AllergyIntolerance.rs', 'offline_access']
    })
  })
})
