import { expect, test } from 'vitest'
import { needsPatient, permittedScopes, splitScope, stillPermitted } from '../../../src/smart/scope-policy.ts'

const registered = [
  'openid',
  'fhirUser',
  'launch/patient',
  'offline_access',
  'patient/*.rs',
  'user/Observation.rs',
  'system/*.cruds'
]

test.each<[string, string[], string[]]>([
  ['what is registered', ['openid', 'patient/*.rs'], ['openid', 'patient/*.rs']],
  ['less than what is registered', ['patient/Patient.r'], ['patient/Patient.r']],
  ['a category of what is registered', ['patient/Observation.rs?category=a'], ['patient/Observation.rs?category=a']],
  ['version 1 of what is registered', ['patient/Patient.read'], ['patient/Patient.read']],
  ['a verb more', ['patient/Patient.cruds'], []],
  ['another context', ['user/Patient.rs'], []],
  ['all types where one is registered', ['user/*.rs'], []],
  ['a named scope that is not registered', ['launch', 'profile', 'online_access'], []],
  ['a backend scope, registered or not', ['system/Patient.rs'], []],
  ['what nobody knows', ['admin', 'patient/Patient', ''], []],
  ['a scope twice', ['openid', 'openid'], ['openid']],
  ['a mix, in the order asked for', ['patient/Patient.rs', 'x', 'openid'], ['patient/Patient.rs', 'openid']]
])('asked for %s', (_name, requested, expected) => {
  expect(permittedScopes(requested, registered)).toEqual(expected)
})

test.each<[string[], string[]]>([
  [
    ['system/*.rs', 'system/Patient.read'],
    ['system/*.rs', 'system/Patient.read']
  ],
  [['patient/Patient.rs', 'user/Observation.rs', 'openid', 'offline_access', 'launch/patient', 'x'], []]
])('of %j a backend service as itself gets %j', (requested, expected) => {
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
  ['the consent has a wider scope instead', ['patient/*.rs'], registered, []]
])('of a token is left, where %s', (_name, granted, nowRegistered, expected) => {
  expect(stillPermitted(['openid', 'patient/Patient.rs'], granted, nowRegistered)).toEqual(expected)
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
