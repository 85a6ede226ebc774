/** What a standalone app asks for, and whether it gets it: context, identity, parameters that nobody here knows. */
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorize, introspect, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { textOf, walkTo } from '../harness/on-pages.ts'
import { newVisit, withoutSecondFactor } from '../harness/visit.ts'

/** Types of a patient's compartment in FHIR R4, but those that are split by category. */
const TYPES = [
  ['Account', 'AdverseEvent', 'AllergyIntolerance', 'Appointment', 'AppointmentResponse', 'Basic', 'BodyStructure', 'CarePlan'],
  ['CareTeam', 'ChargeItem', 'Claim', 'ClaimResponse', 'ClinicalImpression', 'Communication', 'Composition', 'Consent'],
  ['Coverage', 'DetectedIssue', 'DeviceRequest', 'DiagnosticReport', 'DocumentReference', 'Encounter', 'EpisodeOfCare'],
  ['ExplanationOfBenefit', 'FamilyMemberHistory', 'Flag', 'Goal', 'ImagingStudy', 'Immunization', 'Invoice', 'List'],
  ['Media', 'MedicationAdministration', 'MedicationDispense', 'MedicationRequest', 'MedicationStatement', 'NutritionOrder'],
  ['Patient', 'Procedure', 'QuestionnaireResponse', 'RelatedPerson', 'RequestGroup', 'RiskAssessment', 'ServiceRequest']
].flat()

describe.each(STORES)('what a standalone app asks for, on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withoutSecondFactor })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward?.stop())

  async function verified(idToken: string | undefined) {
    const keys = createRemoteJWKSet(new URL(`${keyward.issuer}/jwks`))
    return jwtVerify(idToken ?? '', keys, { issuer: keyward.issuer, algorithms: ['RS256'] })
  }

  test('SM-043, SM-159: who has several people picks one of them on a page', async () => {
    for (const patient of ['maria', 'leo']) {
      const app = newApp(keyward.issuer)
      const browser = newBrowser(keyward.issuer)
      const page = await walkTo(browser, app.authorizationUrl(), 'patient')
      for (const name of ['Maria Diaz', 'Leo Diaz']) expect(textOf(page)).toContain(name)
      const callback = await authorize(browser, app.authorizationUrl(), { patient })
      expect((await app.redeem(app.codeFrom(callback))).body.patient).toBe(patient)
    }
  })

  test.each([
    ['openid launch/patient patient/Patient.rs', false],
    ['openid fhirUser launch/patient patient/Patient.rs', true],
    ['openid profile launch/patient patient/Patient.rs', true]
  ])('SM-173, SM-180: with %s the id_token names the person as a resource: %s', async (scope, expected) => {
    const { response } = await newVisit(keyward).tokens({ scope })
    expect('fhirUser' in (await verified(response.body.id_token)).payload).toBe(expected)
  })

  test('SM-147: without openid there is no id_token', async () => {
    const { response } = await newVisit(keyward).tokens({ scope: 'fhirUser launch/patient patient/Patient.rs' })
    expect(response.body).not.toHaveProperty('id_token')
    expect(response.body.scope?.split(' ')).not.toContain('fhirUser')
  })

  test('SM-158: a patient/ scope brings a patient, though launch/patient was not asked for', async () => {
    const { response } = await newVisit(keyward).tokens({ scope: 'patient/Patient.rs' })
    expect(response.body.patient).toBe('leo')
  })

  test('SM-093: forty scopes and more are granted, and all of them are in every answer', async () => {
    const asked = ['launch/patient', 'offline_access', ...TYPES.map((type) => `patient/${type}.rs`)].sort()
    expect(asked.length).toBeGreaterThan(40)
    const visit = newVisit(keyward)
    const { response, access, refresh } = await visit.tokens({ scope: asked.join(' '), prompt: 'consent' }, { tick: () => true })
    expect(response.body.scope?.split(' ').sort()).toEqual(asked)
    expect(
      String((await introspect(keyward.issuer, access)).body.scope)
        .split(' ')
        .sort()
    ).toEqual(asked)
    expect((await visit.app.refresh(refresh)).body.scope?.split(' ').sort()).toEqual(asked)
  })

  test('SM-094: parameters that nobody here knows do no harm', async () => {
    const params = { ui_locales: 'es', acr_values: 'a', display: 'touch', login_hint: 'maria', unknown: 'x' }
    expect((await newVisit(keyward).tokens(params)).response.status).toBe(200)
  })

  test('SM-174: who is nobody at the FHIR server gives nothing there', async () => {
    const app = newApp(keyward.issuer)
    const page = await authorize(newBrowser(keyward.issuer), app.authorizationUrl({ scope: 'openid fhirUser' }), {
      username: 'nobody' as 'maria'
    })
    expect(new URL(page.url).searchParams.has('code')).toBe(false)
  })
})
