/** What an EHR says when it launches an app, who may say it, and that it comes out beside the access token, again and again. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { authorize, introspect, newApp } from '../harness/app-client.ts'
import { newClientKey, newService, serviceConfig } from '../harness/backend-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { EHR_KEY } from '../harness/clinic-config.ts'
import { askLaunch, ehrBearer, mint } from '../harness/ehr.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { theRecordOf, withoutSecondFactor } from '../harness/visit.ts'

const SCOPE = 'openid fhirUser launch offline_access patient/Patient.rs'
const SAID = {
  patient: 'leo',
  encounter: 'visit-1',
  fhirContext: [{ reference: 'ImagingStudy/7', role: 'urn:example:prior' }],
  intent: 'reconcile-medications',
  need_patient_banner: false,
  smart_style_url: 'https://ehr.example/style/3.json',
  tenant: 'clinic-north',
  appContext: '{"task":"77"}'
}
const FOR = { client_id: 'heart-app', fhirServer: 'clinic', user: 'Practitioner/lee' }
const key = newClientKey('ES384')

const change = (config: Config): Config =>
  withoutSecondFactor({
    ...config,
    clients: [
      ...config.clients,
      serviceConfig('narrow-ehr', key, {
        smart_scope: '__launch_context',
        launch_contexts: ['clinic'],
        launch_apps: ['heart-app'],
        launch_kinds: ['patient', 'user']
      }),
      serviceConfig('both-ehr', key, { smart_scope: '__launch_context system/*.rs', launch_contexts: ['clinic'] }),
      serviceConfig('unscoped-ehr', key, { smart_scope: '__introspect', launch_contexts: ['clinic'] })
    ]
  })

describe.each(STORES)('a launch context on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({ store, change })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward?.stop())

  async function launched(context: object, scope = SCOPE) {
    const app = newApp(keyward.issuer)
    const url = app.authorizationUrl({ scope, launch: await mint(keyward.issuer, { ...FOR, ...context }) })
    const page = await authorize(newBrowser(keyward.issuer), url, { username: 'dr.lee' })
    return { app, body: (await app.redeem(app.codeFrom(page))).body }
  }

  test('SM-039, SM-040, SM-042, SM-077, SM-078, SM-155 to SM-157, SM-160, SM-161, SM-164 to SM-167, SM-171, SM-262, SM-300, SM-305, mistake 14: all of it is beside the access token, after a refresh too, and in introspection', async () => {
    const { app, body } = await launched(SAID)
    expect(body).toMatchObject(SAID)
    expect((await introspect(keyward.issuer, body.access_token ?? '')).body).toMatchObject(SAID)
    const refreshed = await app.refresh(body.refresh_token ?? '')
    expect(refreshed.body).toMatchObject(SAID)
    expect((await introspect(keyward.issuer, refreshed.body.access_token ?? '')).body).toMatchObject(SAID)
  })

  test('SM-164, mistake 14: without a word on the banner the app shows whose record it is; nothing else is made up', async () => {
    const { body } = await launched({ patient: 'leo', fhirContext: [] })
    const { access_token, refresh_token, id_token, expires_in, token_type, scope, ...context } = body
    expect(context).toEqual({ patient: 'leo', need_patient_banner: true })
  })

  test('SM-156: an app without the scope launch is told of none of it', async () => {
    const app = newApp(keyward.issuer)
    const page = await authorize(
      newBrowser(keyward.issuer),
      app.authorizationUrl({ scope: 'openid launch/patient patient/Patient.rs' })
    )
    const { body } = await app.redeem(app.codeFrom(page))
    expect(body.patient).toBe('leo')
    for (const member of Object.keys(SAID).filter((one) => one !== 'patient')) expect(body).not.toHaveProperty(member)
  })

  test.each([
    ['for another app', { client_id: 'second-app', patient: 'leo' }, 'launch that app'],
    ['for another FHIR server', { fhirServer: 'other', patient: 'leo' }, 'create launch contexts for that FHIR server'],
    ['of a kind that it may not say', { patient: 'leo', encounter: 'visit-1' }, 'say encounter'],
    ['with an intent', { intent: 'order' }, 'say intent']
  ])('SM-072: an EHR that may say less is refused %s, and the trail has it', async (_what, said, what) => {
    const authorization = await ehrBearer(keyward.issuer, 'narrow-ehr', key)
    const event = await theRecordOf(keyward, async () => {
      const answer = await askLaunch(keyward.issuer, { ...FOR, ...said }, authorization)
      expect(answer).toMatchObject({ status: 403, body: { error: 'access_denied' } })
    })
    expect(event).toEqual({
      type: 'launch',
      outcome: 'refused',
      reason: `access_denied: this EHR may not ${what}`,
      ehr: 'narrow-ehr'
    })
    expect((await askLaunch(keyward.issuer, { ...FOR, patient: 'leo' }, authorization)).status).toBe(201)
  })

  test('a token without the scope is told which one it lacks', async () => {
    const { body } = await newService(keyward.issuer, 'unscoped-ehr', key).token({ scope: '__introspect' })
    const answer = await askLaunch(keyward.issuer, FOR, `Bearer ${body.access_token}`)
    expect(answer).toMatchObject({ status: 403, body: { error: 'insufficient_scope' } })
    expect(answer.headers.get('www-authenticate')).toContain('scope="__launch_context"')
    const refused = (await keyward.auditEvents('launch')).at(-1)
    expect(refused).toMatchObject({ outcome: 'refused', reason: 'insufficient-scope', ehr: 'unscoped-ehr' })
  })

  test('a token for a FHIR server mints nothing, though its client has the scope too', async () => {
    const { body } = await newService(keyward.issuer, 'both-ehr', key).token({ scope: 'system/*.rs' })
    const answer = await askLaunch(keyward.issuer, FOR, `Bearer ${body.access_token}`)
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_token' } })
  })

  test('a token of a person mints nothing', async () => {
    const { body } = await launched({ patient: 'leo' })
    const answer = await askLaunch(keyward.issuer, FOR, `Bearer ${body.access_token}`)
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_token' } })
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="keyward", error="invalid_token"')
    expect(
      (await askLaunch(keyward.issuer, FOR, (await ehrBearer(keyward.issuer, 'clinic-ehr', EHR_KEY)).toLowerCase())).status
    ).toBe(401)
  })

  test('case 5: a handle that was redeemed is not redeemed by the same request of another browser', async () => {
    const url = newApp(keyward.issuer).authorizationUrl({ scope: SCOPE, launch: await mint(keyward.issuer, { ...FOR, ...SAID }) })
    const hers = newBrowser(keyward.issuer)
    expect((await hers.open(url)).step).toBe('login')
    const page = await newBrowser(keyward.issuer).open(url)
    expect(new URL(page.url).searchParams.get('error')).toBe('invalid_request')
    expect((await hers.open(url)).step).toBe('login')
  })
})
