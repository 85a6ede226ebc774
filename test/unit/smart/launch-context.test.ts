import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { launchContextMembers } from '../../../src/smart/launch-context.ts'

const context = z.strictObject(launchContextMembers)
const isTaken = (said: object): boolean => context.safeParse(said).success
const CODE_SYSTEM = 'http://fhir.example/r4/Questionnaire/phq-9'

describe('SM-161, SM-163, mistake 17: fhirContext is objects, each naming one resource', () => {
  test.each([
    [{ reference: 'ImagingStudy/1' }],
    [{ reference: 'ImagingStudy/1', type: 'ImagingStudy' }],
    [{ canonical: CODE_SYSTEM, type: 'Questionnaire' }],
    [{ canonical: `${CODE_SYSTEM}|1.0` }],
    [{ identifier: { system: 'urn:oid:1.2.3', value: '77' }, type: 'ServiceRequest' }],
    [{ reference: 'ImagingStudy/1', identifier: { value: 'abc' } }],
    [{ reference: 'DiagnosticReport/1', role: 'launch' }],
    [{ reference: 'DiagnosticReport/1', role: 'https://ehr.example/role/prior' }],
    [{ reference: 'DiagnosticReport/1', role: 'urn:example:prior' }]
  ])('%j is taken', (one) => {
    expect(isTaken({ fhirContext: [one] })).toBe(true)
  })

  test.each([
    ['ImagingStudy/1'],
    [{}],
    [{ type: 'ImagingStudy' }],
    [{ reference: 'https://fhir.example/r4/ImagingStudy/1' }],
    [{ reference: 'imagingstudy/1' }],
    [{ reference: 'ImagingStudy/1/_history/2' }],
    [{ canonical: 'urn:oid:1.2.3' }],
    [{ canonical: 'https://fhir.example/questionnaire' }],
    [{ identifier: '77' }],
    [{ identifier: { system: 'urn:oid:1.2.3' } }],
    [{ reference: 'ImagingStudy/1', type: 'ServiceRequest' }],
    [{ reference: 'ImagingStudy/1', role: '' }],
    [{ reference: 'ImagingStudy/1', role: 'prior' }],
    [{ reference: 'ImagingStudy/1', display: 'a member that nobody knows' }]
  ])('%j is refused', (one) => {
    expect(isTaken({ fhirContext: [one] })).toBe(false)
  })

  test.each(['Patient', 'Encounter'])('SM-162: %s only in another role than launch', (type) => {
    const said = (more: object) => isTaken({ fhirContext: [{ reference: `${type}/1`, ...more }] })
    expect([said({}), said({ role: 'launch' }), said({ role: 'urn:example:mother' })]).toEqual([false, false, true])
    expect(isTaken({ fhirContext: [{ identifier: { value: '1' }, type }] })).toBe(false)
    expect(isTaken({ fhirContext: [{ canonical: `https://fhir.example/${type}/1` }] })).toBe(false)
  })
})

test.each([
  [{ patient: 'Patient/1' }],
  [{ patient: 1 }],
  [{ encounter: 'Encounter/1' }],
  [{ need_patient_banner: 'true' }],
  [{ intent: 1 }],
  [{ intent: '' }],
  [{ smart_style_url: 'javascript:1' }],
  [{ smart_style_url: '/style.json' }],
  [{ smart_style_url: 'http://ehr.example/style.json' }],
  [{ tenant: {} }],
  [{ appContext: { a: 1 } }],
  [{ appContext: 'a'.repeat(8193) }],
  [{ scope: 'system/*.rs' }]
])('SM-155: %j is of another form than its member has', (said) => {
  expect(isTaken(said)).toBe(false)
})
