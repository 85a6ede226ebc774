import { describe, expect, test } from 'vitest'
import { askedRecords, contextOfPicks, withoutOtherContexts } from '../../../src/smart/asked-context.ts'
import { contextMembers } from '../../../src/smart/token-response.ts'

const ROLE = 'https://clinic.example/roles/second-opinion'

describe('SM-168: what an app asks to know', () => {
  test.each<[string, object[]]>([
    ['launch/encounter', [{ resourceType: 'Encounter' }]],
    ['launch/diagnosticreport', [{ resourceType: 'DiagnosticReport' }]],
    [`launch/diagnosticreport?role=${ROLE}`, [{ resourceType: 'DiagnosticReport', role: ROLE }]],
    [
      'launch/diagnosticreport?role=https%3A%2F%2Fa.example%2Fr',
      [{ resourceType: 'DiagnosticReport', role: 'https://a.example/r' }]
    ],
    // What is no role leaves the type; and launch is what an absent one means.
    ['launch/diagnosticreport?role=unheard-of', [{ resourceType: 'DiagnosticReport' }]],
    ['launch/diagnosticreport?role=%zz', [{ resourceType: 'DiagnosticReport' }]],
    ['launch/encounter?role=launch', [{ resourceType: 'Encounter' }]],
    ['launch/DiagnosticReport', []],
    ['launch/patient', []],
    ['launch/goal', []],
    ['launch/constructor', []],
    ['launch', []],
    ['patient/Encounter.rs', []]
  ])('%s', (scope, expected) => {
    expect(askedRecords([scope])).toEqual(expected)
  })

  test('each once, in the order asked for, and no more than a person goes through', () => {
    const names = ['encounter', 'condition', 'encounter?role=launch', 'procedure', 'observation', 'careplan', 'appointment']
    const types = askedRecords(names.map((name) => `launch/${name}`)).map(({ resourceType }) => resourceType)
    expect(types).toEqual(['Encounter', 'Condition', 'Procedure', 'Observation', 'CarePlan'])
  })

  test('a context that nobody can pick is dropped, everything else stays', () => {
    const scopes = ['openid', 'launch/patient', 'launch/encounter', 'launch/goal', `launch/patient?role=${ROLE}`, 'patient/*.rs']
    expect(withoutOtherContexts(scopes, [{ resourceType: 'Encounter' }])).toEqual([
      'openid',
      'launch/patient',
      'launch/encounter',
      'patient/*.rs'
    ])
    expect(withoutOtherContexts(scopes, [])).toEqual(['openid', 'launch/patient', 'patient/*.rs'])
  })
})

describe('SM-161, SM-162: what becomes of a pick', () => {
  test('a visit has a member of its own, unless it is there in another role', () => {
    expect(contextOfPicks([{ resourceType: 'Encounter', id: 'v' }])).toEqual({ encounter: 'v' })
    expect(contextOfPicks([{ resourceType: 'Encounter', id: 'v', role: ROLE }])).toEqual({
      fhirContext: [{ reference: 'Encounter/v', role: ROLE }]
    })
    expect(contextOfPicks([])).toEqual({})
  })

  const context = {
    patient: 'leo',
    encounter: 'v',
    fhirContext: [{ reference: 'DiagnosticReport/r' }, { reference: 'DiagnosticReport/q', role: ROLE }]
  }
  test.each<[string, object]>([
    ['launch/patient launch/encounter?role=launch', { patient: 'leo', encounter: 'v' }],
    ['launch/diagnosticreport', { fhirContext: [{ reference: 'DiagnosticReport/r' }] }],
    [`launch/diagnosticreport?role=${ROLE}`, { fhirContext: [{ reference: 'DiagnosticReport/q', role: ROLE }] }],
    [`launch/encounter?role=${ROLE} launch/imagingstudy`, {}],
    ['launch', context]
  ])('with %s an app is told %j', (scopes, expected) => {
    expect(contextMembers(context, scopes.split(' '))).toEqual(expected)
  })
})
