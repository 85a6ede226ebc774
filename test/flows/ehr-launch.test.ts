import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { authorize, basic, introspect, newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { FHIR_BASE, SECRETS } from '../harness/clinic-config.ts'
import { askLaunch, ehrBearer, mint } from '../harness/ehr.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { forward } from '../harness/on-pages.ts'
import { SECOND_APP, theRecordOf, withoutSecondFactor } from '../harness/visit.ts'

const SCOPE = 'openid fhirUser launch patient/Patient.rs patient/Observation.rs'
const CONTEXT = { client_id: 'heart-app', fhirServer: 'clinic', patient: 'leo', encounter: 'visit-1', user: 'Practitioner/lee' }

describe.each(STORES)('launch from an EHR on %s', (store) => {
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
  afterEach(() => vi.useRealTimers())

  const newLaunch = (context: object = CONTEXT) => mint(keyward.issuer, context)
  const asDoctor = { username: 'dr.lee' } as const

  /** The error with which the app comes away. */
  async function errorFor(url: string): Promise<string | null> {
    return new URL((await browser.open(url)).url).searchParams.get('error')
  }

  test('SM-156, SM-160, SM-206, SM-210: the app gets the patient and the visit that the EHR had open, for the doctor who is signed in', async () => {
    const bearer = await ehrBearer(keyward.issuer)
    const event = await theRecordOf(keyward, async () => {
      const { status, headers, body } = await askLaunch(keyward.issuer, CONTEXT, bearer)
      expect(status).toBe(201)
      expect(headers.get('cache-control')).toBe('no-store')
      expect(body).toEqual({ launch: expect.any(String), expires_in: 300 })
    })
    expect(event).toEqual({
      type: 'launch',
      outcome: 'created',
      ehr: 'clinic-ehr',
      clientId: 'heart-app',
      fhirServer: 'clinic',
      patient: 'leo'
    })
    const app = newApp(keyward.issuer)
    const callback = await authorize(browser, app.authorizationUrl({ scope: SCOPE, launch: await newLaunch() }), asDoctor)
    const { body } = await app.redeem(app.codeFrom(callback))
    expect(body).toMatchObject({ patient: 'leo', encounter: 'visit-1' })
    expect(body.scope?.split(' ').sort()).toEqual(SCOPE.split(' ').sort())
    expect((await introspect(keyward.issuer, body.access_token ?? '')).body).toMatchObject({
      active: true,
      patient: 'leo',
      encounter: 'visit-1',
      fhirUser: `${FHIR_BASE}/Practitioner/lee`
    })
    const launches = (await keyward.auditEvents('launch')).map(({ outcome, ehr, patient }) => ({ outcome, ehr, patient }))
    expect(launches.slice(-2)).toEqual([
      { outcome: 'created', ehr: 'clinic-ehr', patient: 'leo' },
      { outcome: 'redeemed', ehr: 'clinic-ehr', patient: 'leo' }
    ])
    expect(await keyward.auditEvents('authorization')).toContainEqual(
      expect.objectContaining({ outcome: 'granted', clientId: 'heart-app', fhirServer: 'clinic', patient: 'leo' })
    )
  })

  test('SM-273: two launches after one another each keep their own patient', async () => {
    const seen: (string | undefined)[] = []
    for (const patient of ['leo', 'maria']) {
      const app = newApp(keyward.issuer)
      const launch = await newLaunch({ ...CONTEXT, patient })
      const callback = await authorize(browser, app.authorizationUrl({ scope: SCOPE, launch }), asDoctor)
      seen.push((await app.redeem(app.codeFrom(callback))).body.patient)
    }
    expect(seen).toEqual(['leo', 'maria'])
  })

  test('a launch without a visit gives no visit', async () => {
    const app = newApp(keyward.issuer)
    const launch = await newLaunch({ client_id: 'heart-app', fhirServer: 'clinic', patient: 'leo' })
    const callback = await authorize(browser, app.authorizationUrl({ scope: SCOPE, launch }), asDoctor)
    expect((await app.redeem(app.codeFrom(callback))).body).not.toHaveProperty('encounter')
  })

  describe('case 5: SM-074: a handle that is not good', () => {
    test.each<[string, () => Promise<string>]>([
      [
        'unknown',
        async () => newApp(keyward.issuer).authorizationUrl({ scope: SCOPE, launch: 'AAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA' })
      ],
      ['malformed', async () => newApp(keyward.issuer).authorizationUrl({ scope: SCOPE, launch: '../x' })],
      [
        'for another app',
        async () => newApp(keyward.issuer, SECOND_APP).authorizationUrl({ scope: SCOPE, launch: await newLaunch() })
      ],
      [
        'for another FHIR server',
        async () =>
          newApp(keyward.issuer).authorizationUrl({ scope: SCOPE, launch: await newLaunch(), aud: 'http://localhost:9011/fhir' })
      ],
      [
        'sent without the scope launch',
        async () => newApp(keyward.issuer).authorizationUrl({ scope: 'openid patient/Patient.rs', launch: await newLaunch() })
      ],
      [
        'used already, by another request',
        async () => {
          const launch = await newLaunch()
          await newBrowser(keyward.issuer).open(newApp(keyward.issuer).authorizationUrl({ scope: SCOPE, launch }))
          return newApp(keyward.issuer).authorizationUrl({ scope: SCOPE, launch })
        }
      ],
      [
        'too old',
        async () => {
          vi.useFakeTimers({ toFake: ['Date'] })
          const launch = await newLaunch()
          forward(300_000 + 1000)
          return newApp(keyward.issuer).authorizationUrl({ scope: SCOPE, launch })
        }
      ]
    ])('case 5, SM-074: %s, is refused', async (_name, url) => {
      const address = await url()
      const event = await theRecordOf(keyward, async () => {
        expect(await errorFor(address)).toBe('invalid_request')
      })
      expect(event).toMatchObject({ type: 'authorization', outcome: 'refused', clientId: expect.any(String) })
    })

    test('of two requests at once, one gets it', async () => {
      const launch = await newLaunch()
      const answers = await Promise.all(
        [1, 2, 3].map(() => newBrowser(keyward.issuer).open(newApp(keyward.issuer).authorizationUrl({ scope: SCOPE, launch })))
      )
      expect(answers.filter(({ step }) => step === 'login')).toHaveLength(1)
    })
  })

  // RFC 6749 §3.1: a parameter without a value is one that was left out.
  test.each([
    ['without', undefined],
    ['with an empty', '']
  ])('SM-089: %s launch a doctor has no record open, and nothing is shared', async (_name, launch) => {
    const page = await authorize(browser, newApp(keyward.issuer).authorizationUrl({ scope: SCOPE, launch }), asDoctor)
    const answer = page.step === 'patient' ? await browser.submit({ decision: 'deny' }) : page
    expect(new URL(answer.url).searchParams.get('error')).toBe('access_denied')
  })

  test('the same request, loaded again, is no replay', async () => {
    const url = newApp(keyward.issuer).authorizationUrl({ scope: SCOPE, launch: await newLaunch() })
    expect((await browser.open(url)).step).toBe('login')
    expect((await browser.open(url)).step).toBe('login')
  })

  test('just before its end a handle is still good, and what follows has its own time', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const launch = await newLaunch()
    forward(299_000)
    const app = newApp(keyward.issuer)
    await browser.open(app.authorizationUrl({ scope: SCOPE, launch }))
    expect(browser.page.step).toBe('login')
    forward(10 * 60_000)
    const callback = await authorize(browser, browser.page.url, asDoctor)
    expect((await app.redeem(app.codeFrom(callback))).body.patient).toBe('leo')
  })

  test.each([
    ['somebody else is signed in than the EHR said', 'maria', CONTEXT],
    [
      'the record is not one that a patient’s account may share',
      'maria',
      { client_id: 'heart-app', fhirServer: 'clinic', patient: 'john' }
    ]
  ] as const)('case 5: where %s, nothing is shared', async (_name, username, context) => {
    const url = newApp(keyward.issuer).authorizationUrl({ scope: SCOPE, launch: await newLaunch(context) })
    const page = await authorize(browser, url, { username })
    const answer = page.step === 'patient' ? await browser.submit({ decision: 'deny' }) : page
    expect(new URL(answer.url).searchParams.get('error')).toBe('access_denied')
    expect(new URL(answer.url).searchParams.has('code')).toBe(false)
  })

  describe('a request for a handle', () => {
    test.each<[string, unknown, string | undefined, number, string]>([
      ['without a token', CONTEXT, '', 401, 'invalid_token'],
      ['with an unknown token', CONTEXT, 'Bearer kw_at_unknown', 401, 'invalid_token'],
      ['with what is no token', CONTEXT, 'Bearer ../x', 401, 'invalid_token'],
      ['with the secret of an app', CONTEXT, basic('lab-app', SECRETS['lab-app']), 401, 'invalid_token'],
      ['for a FHIR server of others', { ...CONTEXT, fhirServer: 'other' }, undefined, 403, 'access_denied'],
      ['for an unknown app', { ...CONTEXT, client_id: 'nobody' }, undefined, 400, 'invalid_request'],
      ['for what is no app', { ...CONTEXT, client_id: 'clinic-fhir' }, undefined, 400, 'invalid_request'],
      ['without an app', { fhirServer: 'clinic' }, undefined, 400, 'invalid_request'],
      ['with a patient that is no id', { ...CONTEXT, patient: 'Patient/leo' }, undefined, 400, 'invalid_request'],
      ['with a user that is none', { ...CONTEXT, user: 'Device/1' }, undefined, 400, 'invalid_request'],
      ['with a member that nobody knows', { ...CONTEXT, scope: 'system/*.rs' }, undefined, 400, 'invalid_request'],
      ['that is no object', 'leo', undefined, 400, 'invalid_request']
    ])('%s, is refused', async (_name, context, authorization, status, error) => {
      const shown = authorization ?? (await ehrBearer(keyward.issuer))
      const event = await theRecordOf(keyward, async () => {
        expect(await askLaunch(keyward.issuer, context, shown)).toMatchObject({ status, body: { error } })
      })
      expect(event).toMatchObject({ type: 'launch', outcome: 'refused' })
    })
  })
})
