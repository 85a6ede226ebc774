import { expect, test } from 'vitest'
import { coversLaunch, parseLaunchScope } from '../../../src/smart-scopes/launch-scope.ts'

test.each([
  ['launch/patient', { resourceType: 'patient' }],
  ['launch/encounter', { resourceType: 'encounter' }],
  ['launch/diagnosticreport?role=https://a.example/role', { resourceType: 'diagnosticreport', role: 'https://a.example/role' }]
])('SM-194: %s asks for a context', (scope, expected) => {
  expect(parseLaunchScope(scope)).toStrictEqual(expected)
})

test.each([
  'launch',
  'launch/',
  'launch/Patient',
  'launch/patient?',
  'launch/patient?role=',
  'launch/patient?role=a&role=b',
  'launch/patient?role=a=b',
  'launch/patient?roles=a',
  'launch/patient?role=a b',
  'launch/patient?role="a"',
  'launch/patient/1',
  'launch/patient.rs',
  ' launch/patient',
  'launch/patient\n',
  'patient/Patient.rs'
])('SM-168, SM-194: %j asks for none', (scope) => {
  expect(parseLaunchScope(scope)).toBeUndefined()
})

test.each([
  [{ resourceType: 'patient' }, { resourceType: 'patient' }, true],
  [{ resourceType: 'patient' }, { resourceType: 'encounter' }, false],
  [{ resourceType: 'imagingstudy' }, { resourceType: 'imagingstudy', role: 'a' }, true],
  [{ resourceType: 'imagingstudy', role: 'a' }, { resourceType: 'imagingstudy', role: 'a' }, true],
  [{ resourceType: 'imagingstudy', role: 'a' }, { resourceType: 'imagingstudy', role: 'b' }, false],
  [{ resourceType: 'imagingstudy', role: 'a' }, { resourceType: 'imagingstudy' }, false]
])('SM-168: whether an app that may ask for %j may ask for %j: %s', (held, wanted, expected) => {
  expect(coversLaunch(held, wanted)).toBe(expected)
})
