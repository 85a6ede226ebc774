import { describe, expect, test } from 'vitest'
import { clinicRecords } from '../../../demo/data/records.ts'
import { accessOf, type Interaction, parseScope } from '../../../demo/fhir/permissions.ts'
import { createRecords } from '../../../demo/fhir/resource.ts'

const records = createRecords(clinicRecords())

describe('the grammar of scopes', () => {
  test.each([
    ['patient/Observation.rs', 'patient', 'Observation', 'rs', undefined],
    ['user/*.cruds', 'user', '*', 'cruds', undefined],
    ['system/Patient.s', 'system', 'Patient', 's', undefined],
    ['patient/Observation.rs?category=a|b', 'patient', 'Observation', 'rs', 'category=a|b'],
    ['patient/Observation.read', 'patient', 'Observation', 'rs', undefined],
    ['patient/Observation.write', 'patient', 'Observation', 'cud', undefined],
    ['user/*.*', 'user', '*', 'cruds', undefined]
  ])('%s is read', (scope, context, resourceType, interactions, query) => {
    expect(parseScope(scope)).toEqual({ context, resourceType, interactions, query })
  })

  test.each([
    'openid',
    'launch/patient',
    'patient/Observation',
    'patient/Observation.',
    'patient/Observation.sr',
    'patient/Observation.rr',
    'patient/observation.rs',
    'Patient/Observation.rs',
    'patient/Observation.READ',
    'patient/Observation.read?category=a',
    'patient/Observation.rs?',
    'xpatient/Observation.rs',
    'patient/*.rs/'
  ])('%s grants nothing', (scope) => {
    expect(parseScope(scope)).toBeUndefined()
  })
})

describe('interaction letters', () => {
  test.each<[string, string]>([
    ['r', 'r'],
    ['s', 's'],
    ['rs', 'rs'],
    ['cruds', 'cruds'],
    ['read', 'rs'],
    ['write', 'cud'],
    ['cd', 'cd']
  ])('.%s allows %s and nothing else', (letters, allowed) => {
    const access = accessOf({ scope: `patient/Observation.${letters}`, patient: 'leo' }, records)
    const every: Interaction[] = ['c', 'r', 'u', 'd', 's']
    expect(every.filter((letter) => access.allows(letter, 'Observation')).join('')).toBe(allowed)
    expect(every.filter((letter) => access.allows(letter, 'Condition'))).toEqual([])
  })
})

describe('whose records a token reaches', () => {
  const patientsSeen = (token: Parameters<typeof accessOf>[0]) => {
    const access = accessOf(token, records)
    return records
      .ofType('Patient')
      .filter((patient) => access.covers('r', patient))
      .map(({ id }) => id)
  }
  const all = ['maria', 'leo', 'sofia', 'john', 'aisha']

  test.each<[string, Parameters<typeof accessOf>[0], string[]]>([
    ['patient/ with a patient', { scope: 'patient/*.rs', patient: 'leo', fhirUser: 'Patient/maria' }, ['leo']],
    ['patient/ without a patient', { scope: 'patient/*.rs', fhirUser: 'Patient/maria' }, []],
    ['patient/ of a practitioner', { scope: 'patient/*.rs', patient: 'leo', fhirUser: 'Practitioner/lee' }, ['leo']],
    ['user/ of a practitioner', { scope: 'user/*.rs', fhirUser: 'Practitioner/lee' }, all],
    [
      'user/ of a practitioner given by address',
      { scope: 'user/*.rs', fhirUser: 'http://clinic.test/fhir/Practitioner/lee' },
      all
    ],
    ['user/ of a patient', { scope: 'user/*.rs', fhirUser: 'Patient/maria', patient: 'leo' }, ['maria']],
    ['user/ of nobody known', { scope: 'user/*.rs', patient: 'leo' }, []],
    ['user/ of a device', { scope: 'user/*.rs', fhirUser: 'Device/leo-device' }, []],
    ['system/', { scope: 'system/Patient.rs' }, all]
  ])('%s', (_, token, expected) => {
    expect(patientsSeen(token)).toEqual(expected)
  })

  test('a patient token reaches everything of its patient, what supports every record, and nothing of anybody else', () => {
    const access = accessOf({ scope: 'patient/*.r', patient: 'leo' }, records)
    const reached = records.types.flatMap((type) => records.ofType(type)).filter((resource) => access.covers('r', resource))
    const foreign = /Patient\/(?!leo")|"(maria|sofia|john|aisha)-(?!for-)/
    expect(reached.filter((resource) => foreign.test(JSON.stringify(resource)))).toEqual([])
    expect(new Set(reached.map(({ resourceType }) => resourceType))).toEqual(new Set(records.types))
  })
})

describe('a scope with a query that this server cannot enforce', () => {
  test.each([
    'patient/Observation.rs?value-quantity=gt5',
    'patient/Observation.rs?category:in=http://sets.test/one',
    'patient/Observation.rs?category=',
    'patient/Observation.rs?date=yesterday',
    'patient/Immunization.rs?category=a'
  ])('%s grants nothing', (scope) => {
    const access = accessOf({ scope, patient: 'leo' }, records)
    expect(access.allows('r', 'Observation') || access.allows('r', 'Immunization')).toBe(false)
  })
})
