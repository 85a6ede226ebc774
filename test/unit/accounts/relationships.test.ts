import { describe, expect, test } from 'vitest'
import type { Account } from '../../../src/accounts/accounts.ts'
import { ageInYears, fhirUserAt, mayShare, patientsOf } from '../../../src/accounts/relationships.ts'
import { MARIA } from './open-accounts.ts'

const maria: Account = {
  sub: 'sub-maria',
  username: 'maria',
  name: 'Maria Diaz',
  role: 'patient',
  passwordHash: '',
  people: [
    ...MARIA.people,
    { fhirServer: 'hospital', fhirUser: 'Patient/77', patients: [{ id: '77', relationship: 'self', name: 'M. Diaz' }] }
  ],
  disabled: false,
  createdAt: 0
}

describe('relationships', () => {
  test('the patients of an account are those of one FHIR server', () => {
    expect(patientsOf(maria, 'clinic').map(({ id }) => id)).toEqual(['maria', 'leo'])
    expect(patientsOf(maria, 'hospital').map(({ id }) => id)).toEqual(['77'])
    expect(patientsOf(maria, 'elsewhere')).toEqual([])
  })

  test.each([
    ['clinic', 'leo', true],
    ['clinic', '77', false],
    ['hospital', '77', true],
    ['hospital', 'leo', false],
    ['clinic', 'Leo', false],
    ['clinic', 'Patient/leo', false],
    ['clinic', '', false]
  ])('at %s, patient %j may be shared: %s', (fhirServer, patient, allowed) => {
    expect(mayShare(maria, fhirServer, patient)).toBe(allowed)
  })

  test('fhirUser differs from one FHIR server to the next', () => {
    expect(fhirUserAt(maria, 'clinic')).toBe('Patient/maria')
    expect(fhirUserAt(maria, 'hospital')).toBe('Patient/77')
    expect(fhirUserAt(maria, 'elsewhere')).toBeUndefined()
  })

  const today = Date.parse('2026-06-15T00:00:00Z')
  test.each([
    ['2018-06-15', 8],
    ['2018-06-16', 7],
    ['1984-02-29', 42],
    ['2026-06-15', 0],
    ['2026-06-16', undefined],
    ['2018-06', undefined],
    ['2018', undefined],
    ['yesterday', undefined],
    [undefined, undefined]
  ])('born %s, the age on 15 June 2026 is %s', (birthDate, age) => {
    expect(ageInYears(birthDate, today)).toBe(age)
  })
})
