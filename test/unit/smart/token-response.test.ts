import { expect, test } from 'vitest'
import { contextMembers } from '../../../src/smart/token-response.ts'

const both = { patient: 'leo', encounter: 'visit-1' }

test.each([
  [['launch'], both],
  [['launch/patient'], { patient: 'leo' }],
  [['patient/Patient.rs'], { patient: 'leo' }],
  [['launch/patient', 'launch/encounter'], both],
  [['launch/encounter'], { encounter: 'visit-1' }],
  [['openid', 'user/Patient.rs'], {}],
  [[], {}]
])('with the scopes %j an app is told %j', (scopes, expected) => {
  expect(contextMembers(both, scopes)).toEqual(expected)
})

test('what is not in context is not told', () => {
  expect(contextMembers({}, ['launch'])).toEqual({})
  expect(contextMembers(undefined, ['launch'])).toEqual({})
})
