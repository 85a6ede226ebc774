import { describe, expect, test } from 'vitest'
import type { PatientContext } from '../../../src/smart/authorization.ts'
import { createPlace, type Picked } from './place.ts'

const FOR_PATIENT = 'openid launch/patient patient/Patient.rs'

describe('what a request is about', () => {
  test('the app, the person, the FHIR server, and the scopes that the app may be granted', async () => {
    const { describeFor } = await createPlace()
    const about = await describeFor('maria', { scope: `${FOR_PATIENT} system/*.rs nonsense`, client_id: 'small-app' })
    expect(about).toMatchObject({
      client: { client_id: 'small-app' },
      account: { username: 'maria' },
      fhirServer: { id: 'clinic' }
    })
    expect(about?.scopes).toEqual(['openid', 'launch/patient'])
  })

  test.each([
    ['an unknown FHIR server', 'maria', { aud: 'http://localhost:9009/fhir' }],
    ['no FHIR server', 'maria', { aud: undefined }],
    ['an unknown app', 'maria', { client_id: 'nobody' }],
    ['an unknown account', 'ghost', {}]
  ])('nothing, with %s', async (_name, username, params) => {
    const { describeFor } = await createPlace()
    expect(await describeFor(username, { scope: FOR_PATIENT, ...params })).toBeUndefined()
  })
})

describe('the patient', () => {
  test.each<[string, string, Record<string, unknown>, string | undefined, object]>([
    ['several people to pick from', 'maria', {}, undefined, { state: 'to-pick' }],
    ['one that was picked', 'maria', {}, 'leo', { state: 'settled', id: 'leo', person: { name: 'Leo Diaz' } }],
    ['somebody else’s that was picked', 'maria', {}, 'john', { state: 'impossible', reason: 'not-permitted' }],
    ['an empty id that was picked', 'maria', {}, '', { state: 'impossible', reason: 'not-permitted' }],
    ['only one to share', 'john', {}, undefined, { state: 'settled', id: 'john' }],
    ['nobody here', 'nobody', {}, undefined, { state: 'impossible', reason: 'not-known-here' }],
    [
      'nobody at that FHIR server',
      'maria',
      { aud: 'http://localhost:9011/fhir' },
      'leo',
      { state: 'impossible', reason: 'not-known-here' }
    ],
    ['no patient asked for', 'maria', { scope: 'openid user/Patient.rs' }, undefined, { state: 'none' }],
    ['a clinician without an open record', 'dr.lee', {}, undefined, { state: 'impossible', reason: 'no-record-open' }],
    ['a clinician who picks one', 'dr.lee', {}, 'leo', { state: 'impossible', reason: 'no-record-open' }],
    ['a clinician for whom none is needed', 'dr.lee', { scope: 'openid user/Patient.rs' }, undefined, { state: 'none' }]
  ])('%s', async (_name, username, params, picked, expected) => {
    const { describeFor } = await createPlace()
    const about = await describeFor(username, { scope: FOR_PATIENT, ...params }, picked)
    expect(about?.patient satisfies PatientContext | undefined).toMatchObject(expected)
  })
})

test.each(['maria', 'dr.lee'])('a developer has none, whoever the account (of %s) says it is', async (username) => {
  const { describeFor } = await createPlace({ patientSearch: { as: 'keyward-internal' } })
  for (const scope of [FOR_PATIENT, 'openid user/Patient.rs', 'openid'])
    expect(await describeFor(username, { scope }, undefined, 'developer')).toMatchObject({
      patient: { state: 'impossible', reason: 'not-known-here' }
    })
})

describe('at a FHIR server that Keyward may search', () => {
  const searched = { patientSearch: { as: 'keyward-internal' } }
  const ENCOUNTER = 'openid launch/patient launch/encounter'

  test.each<[string, string, string, Picked, object]>([
    ['a clinician has to find the patient', 'dr.lee', FOR_PATIENT, {}, { patient: { state: 'to-search' } }],
    [
      'and has found one',
      'dr.lee',
      FOR_PATIENT,
      { patient: { id: 'leo', name: 'Leo Diaz' } },
      { patient: { state: 'settled', id: 'leo', person: { name: 'Leo Diaz', relationship: 'patient' } } }
    ],
    ['without a patient asked for, none', 'dr.lee', 'openid user/Patient.rs', {}, { patient: { state: 'none' } }],
    ['a visit alone needs a patient', 'dr.lee', 'openid launch/encounter', {}, { patient: { state: 'to-search' } }],
    [
      'a visit is to be picked once the patient is',
      'maria',
      ENCOUNTER,
      { patient: { id: 'leo' } },
      { patient: { state: 'settled' }, records: { toPick: [{ resourceType: 'Encounter' }], picked: [] } }
    ],
    ['and not before', 'maria', ENCOUNTER, {}, { patient: { state: 'to-pick' }, records: { toPick: [], picked: [] } }],
    [
      'and has been',
      'maria',
      ENCOUNTER,
      { patient: { id: 'leo' }, records: [{ resourceType: 'Encounter', id: 'v' }] },
      { records: { toPick: [], picked: [{ resourceType: 'Encounter', id: 'v' }] } }
    ],
    [
      'what was picked and is not asked for counts for nothing',
      'maria',
      FOR_PATIENT,
      { patient: { id: 'leo' }, records: [{ resourceType: 'Encounter', id: 'v' }] },
      { records: { toPick: [], picked: [] } }
    ],
    [
      'a patient’s account has nobody but its own people',
      'maria',
      FOR_PATIENT,
      { patient: { id: 'john', name: 'John Smith' } },
      { patient: { state: 'impossible', reason: 'not-permitted' } }
    ]
  ])('%s', async (_name, username, scope, picked, expected) => {
    const { describeFor } = await createPlace(searched)
    expect(await describeFor(username, { scope }, picked)).toMatchObject(expected)
  })

  test('elsewhere the scope of a visit is dropped, but for an app that an EHR has launched', async () => {
    const { describeFor } = await createPlace()
    expect((await describeFor('maria', { scope: ENCOUNTER }))?.scopes).toEqual(['openid', 'launch/patient'])
  })
})

describe('a launch from an EHR', () => {
  const LAUNCH = { clientId: 'heart-app', fhirServer: 'clinic', ehr: 'clinic-ehr', context: { patient: 'leo' } }
  const scope = 'openid launch patient/Patient.rs'

  test.each<[string, string, object, object]>([
    ['the record that the doctor has open', 'dr.lee', {}, { state: 'settled', id: 'leo' }],
    ['for the doctor whom the EHR names', 'dr.lee', { user: 'Practitioner/lee' }, { state: 'settled', id: 'leo' }],
    ['for another doctor', 'dr.lee', { user: 'Practitioner/other' }, { state: 'impossible', reason: 'wrong-user' }],
    ['a patient’s own people', 'maria', {}, { state: 'settled', id: 'leo', person: { name: 'Leo Diaz' } }],
    ['somebody else’s record', 'maria', { context: { patient: 'john' } }, { state: 'impossible', reason: 'not-permitted' }]
  ])('%s', async (_name, username, changes, expected) => {
    const { describeFor, launches } = await createPlace()
    const launch = await launches.create({ ...LAUNCH, ...changes })
    await launches.redeem(launch, { clientId: 'heart-app', fhirServer: 'clinic', codeChallenge: 'challenge', browser: 'hers' })
    const about = await describeFor(username, { scope, launch })
    expect(about?.patient).toMatchObject(expected)
    // What the EHR has open is not the person's to change.
    expect((await describeFor(username, { scope, launch }, 'maria'))?.patient).toMatchObject(expected)
  })

  test.each([
    ['not redeemed', undefined],
    ['redeemed by another request', 'another challenge']
  ])('that is %s shares nothing', async (_name, codeChallenge) => {
    const { describeFor, launches } = await createPlace()
    const launch = await launches.create(LAUNCH)
    if (codeChallenge)
      await launches.redeem(launch, { clientId: 'heart-app', fhirServer: 'clinic', codeChallenge, browser: 'hers' })
    const about = await describeFor('dr.lee', { scope, launch })
    expect(about?.patient).toEqual({ state: 'impossible', reason: 'no-record-open' })
    expect(about).not.toHaveProperty('launch')
  })
})
