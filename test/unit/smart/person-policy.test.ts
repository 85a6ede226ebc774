import { expect, test } from 'vitest'
import type { Account } from '../../../src/accounts/accounts.ts'
import type { Person } from '../../../src/config/config.ts'
import { scopesForPerson } from '../../../src/smart/person-policy.ts'

const all = ['openid', 'launch/patient', 'patient/*.rs', 'user/Observation.rs']

test.each<[string, Partial<Person>, string | undefined, string[]]>([
  ['everything, where nothing is said', {}, 'leo', all],
  ['everything, of somebody without a limit', { patients: [patient('leo'), patient('mia')] }, 'mia', all],
  [
    'what the person may give',
    { scope: 'patient/Goal.cruds user/*.rs' },
    'leo',
    ['openid', 'launch/patient', 'patient/Goal.rs', 'user/Observation.rs']
  ],
  ['nothing, of a person who may give nothing', { scope: '' }, 'leo', ['openid', 'launch/patient']],
  [
    'what may be shared of the patient',
    { patients: [patient('leo', 'patient/Goal.rs')] },
    'leo',
    ['openid', 'launch/patient', 'patient/Goal.rs']
  ],
  [
    'both limits',
    { scope: 'patient/*.r', patients: [patient('leo', 'patient/Goal.rs')] },
    'leo',
    ['openid', 'launch/patient', 'patient/Goal.r']
  ],
  ['no way around the limit by user/', { patients: [patient('leo'), patient('mia', 'patient/Goal.rs')] }, 'leo', all.slice(0, 3)],
  ['no way around it without a patient', { patients: [patient('mia', 'patient/Goal.rs')] }, undefined, all.slice(0, 3)]
])('SM-204: %s', (_what, person, patientId, expected) => {
  expect(scopesForPerson(account({ ...person }), { fhirServer: server('clinic'), patient: patientId }, all)).toEqual(expected)
})

test('SM-204: a limit that the FHIR server doesn’t enforce leaves nothing', () => {
  const limited = account({ patients: [patient('leo', 'patient/Condition.rs?category=a patient/Observation.rs?category=b')] })
  expect(scopesForPerson(limited, { fhirServer: server('clinic'), patient: 'leo' }, all)).toEqual([
    'openid',
    'launch/patient',
    'patient/Observation.rs?category=b'
  ])
})

test('SM-204: two limits that leave the same leave it once', () => {
  const limited = account({ scope: 'patient/Goal.r patient/Goal.s', patients: [patient('leo', 'patient/Goal.r')] })
  const at = { fhirServer: server('clinic'), patient: 'leo' }
  expect(scopesForPerson(limited, at, ['patient/Goal.cr', 'patient/Goal.r'])).toEqual(['patient/Goal.r'])
})

test('SM-204: a limit at one FHIR server is none at another', () => {
  expect(scopesForPerson(account({ scope: '' }), { fhirServer: server('other') }, all)).toEqual(all)
})

function server(id: string): { id: string; enforces: { categories: string[] } } {
  return { id, enforces: { categories: ['Observation'] } }
}

function patient(id: string, scope?: string): Person['patients'][number] {
  return { id, relationship: 'child', name: id, ...(scope === undefined ? {} : { scope }) }
}

function account(person: Partial<Person>): Account {
  const people = [{ fhirServer: 'clinic', fhirUser: 'Patient/maria', patients: [patient('leo')], ...person }]
  return {
    sub: 'maria',
    username: 'maria',
    name: 'Maria',
    role: 'patient',
    passwordHash: '',
    people,
    disabled: false,
    createdAt: 0
  }
}
