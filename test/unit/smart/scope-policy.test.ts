import { expect, test } from 'vitest'
import {
  coveredScopes,
  isContextScope,
  lasts,
  needsPatient,
  permittedScopes,
  splitScope,
  stillPermitted,
  within
} from '../../../src/smart/scope-policy.ts'

const registered = [
  'openid',
  'fhirUser',
  'profile',
  'launch/patient',
  'launch/imagingstudy',
  'offline_access',
  'patient/*.rs',
  'user/Observation.rs',
  'system/*.cruds'
]

const enforces = { categories: ['Observation'], parameters: ['Observation.code', '*._security'] }

test.each<[string, string[], string[]]>([
  ['what is registered', ['openid', 'patient/*.rs'], ['openid', 'patient/*.rs']],
  ['less than what is registered', ['patient/Patient.r'], ['patient/Patient.r']],
  ['a category of what is registered', ['patient/Observation.rs?category=a'], ['patient/Observation.rs?category=a']],
  ['a category in other characters', ['patient/Observation.rs?category=%61'], ['patient/Observation.rs?category=%61']],
  ['a category of a type that is not held apart', ['patient/Condition.rs?category=a'], []],
  ['a parameter that is not enforced', ['patient/Observation.rs?status=final'], []],
  ['one that is enforced, and one that is not', ['patient/Observation.rs?category=a&status=final'], []],
  ['two that are', ['patient/Observation.rs?category=a&code=b'], ['patient/Observation.rs?category=a&code=b']],
  ['another modifier of one that is', ['patient/Observation.rs?code:in=b'], []],
  ['one that is enforced for every type', ['patient/*.rs?_security=R'], ['patient/*.rs?_security=R']],
  ['one that is enforced for every type, of one', ['patient/Patient.rs?_security=R'], ['patient/Patient.rs?_security=R']],
  ['a category of every type', ['patient/*.rs?category=a'], []],
  ['version 1 with a category', ['patient/Observation.read?category=a'], []],
  ['context by type', ['launch/imagingstudy', 'launch/task'], ['launch/imagingstudy']],
  [
    'context in a role',
    ['launch/imagingstudy?role=r', 'launch/patient?role=r'],
    ['launch/imagingstudy?role=r', 'launch/patient?role=r']
  ],
  ['who signs in, without openid', ['fhirUser', 'profile', 'patient/Patient.rs'], ['patient/Patient.rs']],
  ['who signs in', ['fhirUser', 'openid', 'profile'], ['fhirUser', 'openid', 'profile']],
  ['a user scope as one of a patient', ['user/Patient.rs', 'user/Observation.rs'], ['user/Observation.rs']],
  ['version 1 of what is registered', ['patient/Patient.read'], ['patient/Patient.read']],
  ['a verb more', ['patient/Patient.cruds'], []],
  ['another context', ['user/Patient.rs'], []],
  ['all types where one is registered', ['user/*.rs'], []],
  ['a named scope that is not registered', ['launch', 'launch/encounter', 'online_access'], []],
  ['a backend scope, registered or not', ['system/Patient.rs'], []],
  ['what nobody knows', ['admin', 'patient/Patient', ''], []],
  ['a scope twice', ['openid', 'openid'], ['openid']],
  ['a mix, in the order asked for', ['patient/Patient.rs', 'x', 'openid'], ['patient/Patient.rs', 'openid']]
])('SM-190, SM-203, SM-205, SM-214: asked for %s', (_name, requested, expected) => {
  expect(permittedScopes(requested, registered, 'person', enforces)).toEqual(expected)
})

test('what nobody says that it is enforced is not given', () => {
  const granular = ['patient/Observation.rs?category=a', 'patient/Observation.rs?code=b']
  expect(permittedScopes(granular, registered, 'person')).toEqual([])
  expect(permittedScopes(granular, registered, 'person', { categories: ['Observation'] })).toEqual(granular.slice(0, 1))
  expect(permittedScopes(granular, registered, 'person', { parameters: ['Observation.code'] })).toEqual(granular.slice(1))
})

test('SM-192: what is registered is added up', () => {
  const added = ['patient/Goal.r', 'patient/*.s']
  expect(permittedScopes(['patient/Goal.rs', 'patient/Goal.crs'], added, 'person')).toEqual(['patient/Goal.rs'])
})

test.each<[string[] | undefined, string[], string[]]>([
  [undefined, ['openid', 'patient/*.rs'], ['openid', 'patient/*.rs']],
  [[], ['openid', 'patient/*.rs', 'launch/patient'], ['openid', 'launch/patient']],
  [['patient/*.rs'], ['patient/Goal.read', 'patient/Goal.rs?a=b'], ['patient/Goal.read', 'patient/Goal.rs?a=b']],
  [['patient/Goal.rs', 'patient/Task.r'], ['patient/*.cruds'], ['patient/Goal.rs', 'patient/Task.r']],
  [['patient/Goal.r', 'patient/Goal.s'], ['patient/Goal.cruds'], ['patient/Goal.r', 'patient/Goal.s']],
  [['patient/Goal.r', 'patient/Goal.rs'], ['patient/*.cruds'], ['patient/Goal.rs']],
  [['patient/Goal.rs', 'patient/Goal.r'], ['patient/*.cruds'], ['patient/Goal.rs']],
  [['patient/Goal.rs', 'patient/Goal.rs'], ['patient/*.cruds'], ['patient/Goal.rs']],
  [['patient/Goal.r', 'patient/Goal.s'], ['patient/Goal.read'], ['patient/Goal.read']],
  [['patient/*.rs'], ['patient/*.*', 'patient/*.read'], ['patient/*.read']],
  [['user/*.rs'], ['patient/Goal.rs'], []],
  [['patient/Observation.rs?category=a'], ['patient/Observation.rs'], ['patient/Observation.rs?category=a']],
  [['patient/Goal.rs?category=a', 'patient/Goal.r?category=b'], ['patient/Goal.rs'], []]
])('SM-204: the policy %j leaves of %j: %j', (policy, scopes, expected) => {
  expect(within(policy, scopes, enforces)).toEqual(expected)
})

test.each([
  ['openid', true],
  ['profile', true],
  ['launch', true],
  ['launch/patient', true],
  ['launch/imagingstudy?role=a', true],
  ['offline_access', false],
  ['patient/Patient.rs', false]
])('SM-194, SM-195: whether %s is told rather than asked: %s', (scope, expected) => {
  expect(isContextScope(scope)).toBe(expected)
})

test.each([
  [['openid', 'offline_access'], true],
  [['online_access'], true],
  [['openid', 'patient/*.rs'], false],
  [[], false]
])('SM-196: whether %j gives a refresh token: %s', (scopes, expected) => {
  expect(lasts(scopes)).toBe(expected)
})

test.each<[string[], string[]]>([
  [
    ['system/*.rs', 'system/Patient.read'],
    ['system/*.rs', 'system/Patient.read']
  ],
  [['patient/Patient.rs', 'user/Observation.rs', 'openid', 'offline_access', 'launch/patient', 'x'], []]
])('SM-241, SM-242: of %j a backend service as itself gets %j', (requested, expected) => {
  expect(permittedScopes(requested, registered, 'system')).toEqual(expected)
})

test.each<[string, string[], string[], string[]]>([
  ['nothing has changed', ['openid', 'patient/Patient.rs'], registered, ['openid', 'patient/Patient.rs']],
  ['the person has taken one back', ['openid'], registered, ['openid']],
  ['the registration has become narrower', ['openid', 'patient/Patient.rs'], ['patient/Patient.rs'], ['patient/Patient.rs']],
  [
    'the consent says more than the token',
    ['openid', 'patient/Patient.rs', 'patient/*.rs'],
    registered,
    ['openid', 'patient/Patient.rs']
  ],
  ['the consent has a wider scope instead', ['patient/*.rs'], registered, ['patient/Patient.rs']],
  ['the consent has another', ['patient/Goal.rs', 'user/*.cruds'], registered, []]
])('of a token is left, where %s', (_name, granted, nowRegistered, expected) => {
  expect(stillPermitted(['openid', 'patient/Patient.rs'], granted, nowRegistered)).toEqual(expected)
})

test.each<[string[], string[], string[]]>([
  [
    ['openid', 'patient/Goal.rs', 'x'],
    ['openid', 'patient/Goal.rs'],
    ['openid', 'patient/Goal.rs']
  ],
  [['patient/Goal.r', 'patient/Goal.r'], ['patient/*.read'], ['patient/Goal.r']],
  [['patient/Goal.rs'], ['patient/Goal.r', 'patient/Goal.s'], ['patient/Goal.rs']],
  [['patient/*.rs', 'launch'], ['patient/Goal.rs', 'launch/patient'], []]
])('SM-224: of %j, %j gives %j', (wanted, held, expected) => {
  expect(coveredScopes(wanted, held)).toEqual(expected)
})

test.each([
  [['launch/patient'], true],
  [['patient/Patient.rs'], true],
  [['openid', 'user/*.rs', 'launch'], false],
  [[], false]
])('whether %j needs a patient: %s', (scopes, expected) => {
  expect(needsPatient(scopes)).toBe(expected)
})

test.each([
  [undefined, []],
  ['', []],
  ['a', ['a']],
  ['a  b ', ['a', 'b']]
])('%j is split into %j', (scope, expected) => {
  expect(splitScope(scope)).toEqual(expected)
})
