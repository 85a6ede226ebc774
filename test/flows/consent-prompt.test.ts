import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { authorize, introspect, newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { signInToAccount, textOf, walkTo } from '../harness/on-pages.ts'
import { SECOND_APP, withoutSecondFactor } from '../harness/visit.ts'

const BASE = 'openid launch/patient patient/Patient.rs'

describe.each(STORES)('when the person is asked, on %s', (store) => {
  let keyward: Keyward
  let browser: Browser
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withoutSecondFactor })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward.stop())
  beforeEach(async () => {
    browser = newBrowser(keyward.issuer)
    // Each test begins as if nothing had been decided.
    await signInToAccount(browser, keyward.issuer)
    while (browser.page.html.includes('name="consentId"')) await browser.submit({})
  })

  const url = (scope: string, params: object = {}) => newApp(keyward.issuer).authorizationUrl({ scope, ...params })

  /** How often the consent page decided something while an app was let in. */
  async function timesAsked(address: string, patient = 'leo'): Promise<number> {
    const before = (await keyward.auditEvents('consent')).length
    const { url: end } = await authorize(browser, address, { patient })
    expect(end).toContain('code=')
    return (await keyward.auditEvents('consent')).length - before
  }

  test('case 95: SM-097, SM-103: the first time, the page names app, host, patient, kinds, and for how long', async () => {
    await walkTo(browser, url(`${BASE} offline_access patient/AllergyIntolerance.rs patient/Immunization.cud`), 'consent')
    const text = textOf(browser.page)
    for (const said of [
      'Heart App',
      'localhost:9002',
      'Leo Diaz',
      'Maria Diaz',
      'Allergies',
      'Vaccines',
      'Only today',
      '3 months',
      '1 year'
    ])
      expect(text).toContain(said)
    expect(text).not.toContain('Immunization.rs')
    const technical = [...browser.page.html.matchAll(/<code>([^<]*)<\/code>/g)].map(([, scope]) => scope)
    expect(technical).toEqual(
      expect.arrayContaining([
        'patient/Patient.rs',
        'patient/AllergyIntolerance.rs',
        'patient/Immunization.cu',
        'patient/Immunization.d',
        'offline_access'
      ])
    )
  })

  test('case 95: what nobody has checked is said of an unverified app, and its host', async () => {
    const app = newApp(keyward.issuer, SECOND_APP)
    await walkTo(browser, app.authorizationUrl({ scope: BASE }), 'consent')
    const unverified = textOf(browser.page)
    expect(unverified).toContain('Second App')
    expect(unverified).toContain('localhost:9005')
    const verified = newBrowser(keyward.issuer)
    await walkTo(verified, url(BASE), 'consent')
    const notChecked = /not (been )?checked/i
    expect(unverified).toMatch(notChecked)
    expect(textOf(verified.page)).not.toMatch(notChecked)
  })

  test('case 95: what was decided is not asked again', async () => {
    expect(await timesAsked(url(BASE))).toBe(1)
    expect(await timesAsked(url(BASE))).toBe(0)
    expect(await timesAsked(url('openid launch/patient'))).toBe(0)
  })

  test.each([
    ['a kind more', `${BASE} patient/AllergyIntolerance.rs`],
    ['a verb more', 'openid launch/patient patient/Patient.cruds'],
    ['everything', `${BASE} patient/*.rs`],
    ['the person behind the account', `${BASE} fhirUser`],
    ['coming back', `${BASE} offline_access`],
    ['staying while the session lasts', `${BASE} online_access`],
    ['the same kind for all patients', `${BASE} user/Patient.rs`]
  ])('case 95: a request widened by %s is asked about', async (_name, scope) => {
    expect(await timesAsked(url(BASE))).toBe(1)
    expect(await timesAsked(url(scope))).toBe(1)
    expect(await timesAsked(url(scope))).toBe(0)
  })

  test('case 95: a refused part is remembered as refused, and not asked again', async () => {
    const scope = `${BASE} patient/AllergyIntolerance.rs`
    await authorize(browser, url(scope), { tick: ['patient/Patient.rs'] })
    const app = newApp(keyward.issuer)
    const { body } = await app.redeem(app.codeFrom(await authorize(browser, app.authorizationUrl({ scope }))))
    expect(body.scope?.split(' ').sort()).toEqual(['launch/patient', 'openid', 'patient/Patient.rs'])
  })

  test('case 95: each person whose record it is, is asked about', async () => {
    expect(await timesAsked(url(BASE), 'leo')).toBe(1)
    expect(await timesAsked(url(BASE), 'maria')).toBe(1)
    expect(await timesAsked(url(BASE), 'leo')).toBe(0)
  })

  test('case 95: each app is asked about', async () => {
    expect(await timesAsked(url(BASE))).toBe(1)
    expect(await timesAsked(newApp(keyward.issuer, SECOND_APP).authorizationUrl({ scope: BASE }))).toBe(1)
  })

  test.each([
    ['verified', {}],
    ['unverified', SECOND_APP]
  ])('case 95: prompt=consent of an app that is %s asks once more', async (_name, options) => {
    const app = newApp(keyward.issuer, options)
    expect(await timesAsked(app.authorizationUrl({ scope: BASE }))).toBe(1)
    expect(await timesAsked(app.authorizationUrl({ scope: BASE, prompt: 'consent' }))).toBe(1)
  })

  test('case 95: after it was stopped, it is asked again, and the older tokens stay dead', async () => {
    const app = newApp(keyward.issuer)
    const { body } = await app.redeem(app.codeFrom(await authorize(browser, app.authorizationUrl({ scope: BASE }))))
    await browser.open(`${keyward.issuer}/account`)
    await browser.submit({})
    expect(await timesAsked(url(BASE))).toBe(1)
    expect((await introspect(keyward.issuer, body.access_token ?? '')).text).toBe('{"active":false}')
  })

  test('case 95: SM-097: without a page there is no first time: prompt=none is refused', async () => {
    const { url: end } = await browser.open(url('openid', { prompt: 'none' }))
    expect(new URL(end).searchParams.get('error')).toBe('consent_required')
    expect(new URL(end).searchParams.has('code')).toBe(false)
  })
})
