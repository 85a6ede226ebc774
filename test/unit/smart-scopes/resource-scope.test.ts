import { expect, test } from 'vitest'
import { covers, parseResourceScope, printResourceScope } from '../../../src/smart-scopes/resource-scope.ts'

const version2 = (context: string, resourceType: string, interactions: string, query?: string) => ({
  context,
  resourceType,
  interactions,
  version1: false,
  ...(query === undefined ? {} : { query })
})

test.each([
  ['patient/Patient.r', version2('patient', 'Patient', 'r')],
  ['patient/Observation.rs', version2('patient', 'Observation', 'rs')],
  ['user/*.cruds', version2('user', '*', 'cruds')],
  ['system/Encounter.cds', version2('system', 'Encounter', 'cds')],
  [
    'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory',
    version2('patient', 'Observation', 'rs', 'category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory')
  ],
  ['patient/Observation.rs?a=b&c=d?e', version2('patient', 'Observation', 'rs', 'a=b&c=d?e')],
  ['patient/Patient.read', { ...version2('patient', 'Patient', 'rs'), version1: true }],
  ['patient/Patient.write', { ...version2('patient', 'Patient', 'cud'), version1: true }],
  ['user/*.*', { ...version2('user', '*', 'cruds'), version1: true }]
])('%s is read, and printed as it was written', (scope, expected) => {
  const parsed = parseResourceScope(scope)
  expect(parsed).toEqual(expected)
  expect(parsed && printResourceScope(parsed)).toBe(scope)
})

test.each([
  '',
  'openid',
  'launch/patient',
  'patient/',
  'patient/Patient',
  'patient/Patient.',
  'patient/Patient.sr',
  'patient/Patient.rr',
  'patient/Patient.x',
  'patient/Patient.rsx',
  'patient/patient.rs',
  'patient/*Patient.rs',
  'patient/Patient.rs?',
  'patient/Patient.read?category=a',
  'Patient/Patient.rs',
  'patients/Patient.rs',
  ' patient/Patient.rs',
  'patient/Patient.rs ',
  'patient/Patient.rs\n',
  'patient/Pat1ent.rs',
  'patient/Patient.Read',
  'patient/Patient.readwrite'
])('%j is no scope for a resource', (scope) => {
  expect(parseResourceScope(scope)).toBeUndefined()
})

test('a version 1 scope that was taken apart is printed in version 2', () => {
  expect(printResourceScope({ context: 'patient', resourceType: 'Patient', interactions: 'r', version1: true })).toBe(
    'patient/Patient.r'
  )
  expect(
    printResourceScope({ context: 'patient', resourceType: 'Patient', interactions: 'rs', version1: true, query: 'a=b' })
  ).toBe('patient/Patient.rs?a=b')
})

test.each([
  ['patient/Patient.rs', 'patient/Patient.rs', true],
  ['patient/Patient.rs', 'patient/Patient.r', true],
  ['patient/Patient.rs', 'patient/Patient.cruds', false],
  ['patient/*.rs', 'patient/Patient.rs', true],
  ['patient/*.rs', 'patient/*.rs', true],
  ['patient/Patient.rs', 'patient/*.rs', false],
  ['patient/*.rs', 'user/Patient.rs', false],
  ['user/*.rs', 'patient/Patient.rs', false],
  ['system/*.cruds', 'patient/Patient.r', false],
  ['patient/Patient.read', 'patient/Patient.rs', true],
  ['patient/Patient.rs', 'patient/Patient.read', true],
  ['patient/*.write', 'patient/Patient.cud', true],
  ['patient/*.write', 'patient/Patient.r', false],
  ['patient/*.*', 'patient/Patient.cruds', true],
  ['patient/Observation.rs', 'patient/Observation.rs?category=a', true],
  ['patient/*.rs', 'patient/Observation.rs?category=a', true],
  ['patient/Observation.rs?category=a', 'patient/Observation.rs', false],
  ['patient/Observation.rs?category=a', 'patient/Observation.rs?category=a', true],
  ['patient/Observation.rs?category=a', 'patient/Observation.rs?category=b', false],
  ['patient/Observation.rs?category=a', 'patient/Observation.rs?category=a&status=final', false]
])('whether %s covers %s: %s', (held, wanted, expected) => {
  const [one, other] = [parseResourceScope(held), parseResourceScope(wanted)]
  if (!one || !other) throw new Error('both are scopes')
  expect(covers(one, other)).toBe(expected)
})
