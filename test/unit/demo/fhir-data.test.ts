import { describe, expect, test } from 'vitest'
import { clinicRecords } from '../../../demo/data/records.ts'
import { codingsOf, createRecords, type Resource } from '../../../demo/fhir/resource.ts'
import { parametersOf } from '../../../demo/fhir/search-parameters.ts'

const all = clinicRecords()
const records = createRecords(all)

const US_CORE_TYPES = (
  'AllergyIntolerance CarePlan CareTeam Condition Coverage Device DiagnosticReport DocumentReference Encounter Endpoint ' +
  'FamilyMemberHistory Goal Immunization Location Medication MedicationDispense MedicationRequest Observation Organization ' +
  'Patient Practitioner PractitionerRole Procedure Provenance QuestionnaireResponse RelatedPerson ServiceRequest Specimen'
).split(' ')

const OC = 'http://terminology.hl7.org/CodeSystem/observation-category'
const CC = 'http://terminology.hl7.org/CodeSystem/condition-category'
const UC = 'http://hl7.org/fhir/us/core/CodeSystem/us-core-category'
const UH = 'http://hl7.org/fhir/us/core/CodeSystem/condition-category'
const UD = 'http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category'

const CATEGORIES: [type: string, category: string][] = [
  ...['laboratory', 'vital-signs', 'social-history', 'survey', 'imaging', 'procedure', 'activity'].map((code) => `${OC}|${code}`),
  ...['sdoh', 'functional-status', 'disability-status', 'cognitive-status'].map((code) => `${UC}|${code}`),
  ...['treatment-intervention-preference', 'care-experience-preference'].map((code) => `${UC}|${code}`)
].map((category) => ['Observation', category])
CATEGORIES.push(
  ['Condition', `${CC}|problem-list-item`],
  ['Condition', `${CC}|encounter-diagnosis`],
  ['Condition', `${UH}|health-concern`],
  ['Condition', `${UC}|sdoh`],
  ['DiagnosticReport', 'http://terminology.hl7.org/CodeSystem/v2-0074|LAB'],
  ['DiagnosticReport', 'http://loinc.org|LP29684-5'],
  ['DiagnosticReport', 'http://loinc.org|LP29708-2'],
  ['DiagnosticReport', 'http://loinc.org|LP7839-6'],
  ['DocumentReference', `${UD}|clinical-note`]
)

function referencesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) =>
    name === 'reference' && typeof member === 'string' ? [member] : referencesIn(member)
  )
}

const belongsTo = (resource: Resource, patient: string) => referencesIn(resource).includes(`Patient/${patient}`)

describe('the sample records', () => {
  test('there are the five patients', () => {
    expect(records.ofType('Patient').map(({ id, birthDate }) => [id, birthDate])).toEqual([
      ['maria', '1984-03-12'],
      ['leo', '2017-06-03'],
      ['sofia', '2021-09-21'],
      ['john', '1949-11-30'],
      ['aisha', '1992-01-25']
    ])
  })

  test.each(US_CORE_TYPES)('%s is present and has search parameters', (type) => {
    expect(records.ofType(type)).not.toEqual([])
    expect(Object.keys(parametersOf(type)).length).toBeGreaterThan(1)
  })

  test.each(CATEGORIES)('maria and leo each have %s of %s', (type, category) => {
    for (const patient of ['maria', 'leo']) {
      const found = records.ofType(type).filter((resource) => {
        const codes = codingsOf(resource.category).map(({ system, code }) => `${system}|${code}`)
        return belongsTo(resource, patient) && codes.includes(category)
      })
      expect(found, patient).not.toEqual([])
    }
  })

  test('every reference resolves', () => {
    const broken = all.flatMap((resource) =>
      referencesIn(resource).filter(
        (reference) => records.find(reference.split('/')[0] ?? '', reference.split('/')[1] ?? '') === undefined
      )
    )
    expect(broken).toEqual([])
  })

  test('a document that lies in a Binary finds it', () => {
    const urls = JSON.stringify(records.ofType('DocumentReference')).matchAll(/"url":"Binary\/([^"]+)"/g)
    const ids = [...urls].map(([, id]) => id ?? '')
    expect(ids).not.toEqual([])
    expect(ids.filter((id) => records.find('Binary', id) === undefined)).toEqual([])
  })

  test('no two patients are named in one resource', () => {
    const mixed = all.filter(
      (resource) => new Set(referencesIn(resource).filter((reference) => /^Patient\//.test(reference))).size > 1
    )
    expect(mixed).toEqual([])
  })

  test('leo has enough observations for several pages', () => {
    expect(records.ofType('Observation').filter((resource) => belongsTo(resource, 'leo')).length).toBeGreaterThan(40)
  })

  test('they are the same at every start', () => {
    expect(clinicRecords()).toEqual(all)
  })
})
