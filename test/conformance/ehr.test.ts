/** One launch by a practitioner from an EHR, and what SMART App Launch 2.2 and certification say of its answer. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorize, newApp, type TokenResponse } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { ehrBearer } from '../harness/ehr.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { withoutSecondFactor } from '../harness/visit.ts'

const SCOPE = 'openid fhirUser launch launch/patient offline_access user/Observation.rs user/Patient.read patient/Patient.rs'

describe.each(STORES)('an EHR launch on %s', (store) => {
  let keyward: Keyward
  let answer: TokenResponse
  let capabilities: string[]
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withoutSecondFactor })
    expect(await storeOf(keyward.issuer)).toBe(store)
    const context = { client_id: 'heart-app', fhirServer: 'clinic', patient: 'leo', encounter: 'visit-1' }
    const made = await fetch(`${keyward.issuer}/launch`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: await ehrBearer(keyward.issuer) },
      body: JSON.stringify(context)
    })
    const { launch } = JSON.parse(await made.text())
    const app = newApp(keyward.issuer)
    const page = await authorize(newBrowser(keyward.issuer), app.authorizationUrl({ scope: SCOPE, launch }), {
      username: 'dr.lee'
    })
    answer = await app.redeem(app.codeFrom(page))
    const document = await fetch(`${keyward.issuer}/fhir/clinic/.well-known/smart-configuration`)
    capabilities = JSON.parse(await document.text()).capabilities
  })
  afterAll(() => keyward?.stop())

  test('SM-032, SM-076: works as it is promised, though launch/patient is asked for as well', () => {
    expect(answer.status).toBe(200)
    expect(capabilities).toContain('launch-ehr')
  })

  test('SM-041, SM-157: gives the patient who is open, by logical id', () => {
    expect(answer.body.patient).toBe('leo')
    expect(capabilities).toContain('context-ehr-patient')
  })

  test('SM-042, SM-160: gives the visit that is open, by logical id', () => {
    expect(answer.body.encounter).toBe('visit-1')
    expect(capabilities).toContain('context-ehr-encounter')
  })

  test('SM-206: repeats openid, fhirUser, launch and offline_access in scope', () => {
    const scopes = answer.body.scope?.split(' ')
    expect(scopes).toEqual(expect.arrayContaining(['openid', 'fhirUser', 'launch', 'launch/patient', 'offline_access']))
  })

  test('SM-048, SM-208: user/ stays user/, in the version in which it was asked for', () => {
    const scopes = answer.body.scope?.split(' ').filter((scope) => scope.startsWith('user/'))
    expect(scopes?.sort()).toEqual(['user/Observation.rs', 'user/Patient.read'])
    expect(capabilities).toContain('permission-user')
  })

  test('SM-210: patient/ scopes are granted beside it, with the patient', () => {
    expect(answer.body.scope?.split(' ')).toContain('patient/Patient.rs')
  })

  test('SM-148: offline_access gives a refresh token', () => {
    expect(answer.body.refresh_token).toEqual(expect.any(String))
  })
})
