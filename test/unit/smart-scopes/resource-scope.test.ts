import { expect, test } from 'vitest'
import {
  coveredAmong,
  coveredBy,
  covers,
  inCommon,
  parseResourceScope,
  printResourceScope,
  type ResourceScope
} from '../../../src/smart-scopes/resource-scope.ts'

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
  [
    'patient/Observation.rs?category=http%3A%2F%2Fa.example%7Clab',
    version2('patient', 'Observation', 'rs', 'category=http%3A%2F%2Fa.example%7Clab')
  ],
  ['patient/Condition.s?code:in=http://a.example/vs', version2('patient', 'Condition', 's', 'code:in=http://a.example/vs')],
  ['user/Observation.r?patient.birthdate=1990', version2('user', 'Observation', 'r', 'patient.birthdate=1990')],
  ['patient/Observation.rs?_filter=status%20eq%20final', version2('patient', 'Observation', 'rs', '_filter=status%20eq%20final')],
  ['patient/Patient.read', { ...version2('patient', 'Patient', 'rs'), version1: true }],
  ['patient/Patient.write', { ...version2('patient', 'Patient', 'cud'), version1: true }],
  ['user/*.*', { ...version2('user', '*', 'cruds'), version1: true }]
])('SM-186, SM-188, SM-190: %s is read, and printed as it was written', (scope, expected) => {
  const parsed = parseResourceScope(scope)
  expect(parsed).toStrictEqual(expected)
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
  'patient/Patient.dus',
  'patient/Patient.readd',
  'patient/Patient.*s',
  'patient/Patient.**',
  'patient/Patient.*?category=a',
  'patient/Patient.rr',
  'patient/Patient.x',
  'patient/Patient.rsx',
  'patient/patient.rs',
  'patient/*Patient.rs',
  'patient/Patient.rs?',
  'patient/Patient.rs?category',
  'patient/Patient.rs?category=',
  'patient/Patient.rs?=a',
  'patient/Patient.rs?category=a&',
  'patient/Patient.rs?&category=a',
  'patient/Patient.rs?category=a\nb',
  'patient/Patient.rs?category=a b',
  'patient/Patient.rs?category="a"',
  'patient/Patient.rs?category=a\\b',
  'patient/Patient.rs?category=\u00e9',
  'patient/Patient.rs?category=%zz',
  'patient/Patient.rs?category=%ff',
  'patient/Patient.rs?category=%0a',
  'patient/Patient.rs?category=a&_include=Patient:link',
  'patient/Patient.read?category=a',
  'Patient/Patient.rs',
  'patients/Patient.rs',
  ' patient/Patient.rs',
  'patient/Patient.rs ',
  'patient/Patient.rs\n',
  'patient/Pat1ent.rs',
  'patient/Patient.Read',
  'patient/Patient.readwrite'
])('SM-186, SM-189: %j is no scope for a resource', (scope) => {
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
  ['patient/Observation.rs?category=a', 'patient/Observation.rs?category=a&status=final', true],
  ['patient/Observation.rs?category=a&status=final', 'patient/Observation.rs?category=a', false],
  ['patient/Observation.rs?category=a&status=final', 'patient/Observation.rs?status=final&category=a', true],
  ['patient/Observation.rs?category=a%7Cb', 'patient/Observation.rs?category=a|b', true],
  ['patient/*.rs?category=a', 'patient/Observation.r?category=a', true],
  ['patient/Observation.rs?category=a', 'patient/*.rs?category=a', false],
  ['patient/Observation.rs?category=a', 'patient/Observation.cruds?category=a', false]
])('SM-187, SM-188, SM-190, SM-200: whether %s covers %s: %s', (held, wanted, expected) => {
  expect(covers(scope(held), scope(wanted))).toBe(expected)
  const [aside, one] = [scope('user/Group.d'), scope(wanted)]
  expect(coveredAmong([aside, one])(scope(held))).toEqual(expected ? [one] : [])
})

test.each<[string[], string, boolean]>([
  [['patient/Patient.r', 'patient/Patient.s'], 'patient/Patient.rs', true],
  [['patient/Patient.read', 'patient/Patient.write'], 'patient/Patient.cruds', true],
  [['patient/*.r', 'patient/Patient.s'], 'patient/Patient.rs', true],
  [['patient/Patient.r', 'patient/Observation.s'], 'patient/Patient.rs', false],
  [['patient/Patient.r', 'user/Patient.s'], 'patient/Patient.rs', false],
  [['patient/Patient.r', 'patient/Patient.s?category=a'], 'patient/Patient.rs', false],
  [['patient/Patient.r', 'patient/Patient.s?category=a'], 'patient/Patient.rs?category=a', true],
  [[], 'patient/Patient.r', false]
])('SM-192: whether %j together cover %s: %s', (held, wanted, expected) => {
  expect(coveredBy(held.map(scope), scope(wanted))).toBe(expected)
})

test.each<[string, string, string | undefined]>([
  ['patient/*.rs', 'patient/Patient.cruds', 'patient/Patient.rs'],
  ['patient/Patient.rs', 'patient/*.cruds', 'patient/Patient.rs'],
  ['patient/*.rs', 'patient/*.*', 'patient/*.read'],
  ['patient/*.cruds', 'patient/*.read', 'patient/*.read'],
  ['patient/Patient.r', 'patient/Patient.read', 'patient/Patient.r'],
  ['patient/Patient.rs', 'patient/Observation.rs', undefined],
  ['patient/Patient.cud', 'patient/Patient.rs', undefined],
  ['user/Patient.rs', 'patient/Patient.rs', undefined],
  ['patient/Observation.rs?category=a', 'patient/Observation.rs', 'patient/Observation.rs?category=a'],
  ['patient/Observation.rs', 'patient/Observation.rs?category=a', 'patient/Observation.rs?category=a'],
  ['patient/Observation.rs?category=%61', 'patient/Observation.rs?category=a', 'patient/Observation.rs?category=a'],
  ['patient/Observation.rs?category=a', 'patient/Observation.rs?code=c', 'patient/Observation.rs?code=c&category=a'],
  ['patient/Observation.rs?category=a,b', 'patient/Observation.rs?category=a', 'patient/Observation.rs?category=a'],
  ['patient/Observation.rs?category=a', 'patient/Observation.rs?category=a,b', 'patient/Observation.rs?category=a']
])('SM-203: %s leaves of %s: %s', (held, wanted, expected) => {
  const left = inCommon(scope(held), scope(wanted))
  expect(left && printResourceScope(left)).toBe(expected)
  expect(left).toStrictEqual(expected === undefined ? undefined : { ...scope(expected), version1: scope(wanted).version1 })
})

test('a filter that is none, and was put together by hand, covers only itself', () => {
  const broken = { ...scope('patient/Patient.rs'), query: 'broken' }
  expect(covers(broken, broken)).toBe(true)
  expect(covers(broken, scope('patient/Patient.rs?category=a'))).toBe(false)
  expect(covers(scope('patient/Patient.rs?category=a'), broken)).toBe(false)
})

function scope(text: string): ResourceScope {
  const parsed = parseResourceScope(text)
  if (!parsed) throw new Error(`${text} is no scope`)
  return parsed
}
