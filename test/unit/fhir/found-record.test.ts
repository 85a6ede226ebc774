import { describe, expect, test } from 'vitest'
import { clinicRecords } from '../../../demo/data/records.ts'
import { foundRecords, isOfPatient, RECORD_TYPES, searchForRecords } from '../../../src/fhir/found-record.ts'

const BASE = { baseUrl: 'https://fhir.example/r4' }
const visit = (members: object) => ({ resourceType: 'Encounter', id: 'v', ...members })

describe('whose record it is', () => {
  test.each<[object, boolean]>([
    [{ subject: { reference: 'Patient/leo' } }, true],
    [{ patient: { reference: 'Patient/leo' } }, true],
    [{ subject: { reference: 'https://fhir.example/r4/Patient/leo' } }, true],
    [{ subject: { reference: 'Patient/leo/_history/3' } }, true],
    [{ subject: { reference: 'Patient/leo-too' } }, false],
    [{ subject: { reference: 'https://elsewhere.example/r4/Patient/leo' } }, false],
    [{ subject: { reference: 'Group/leo' } }, false],
    [{ subject: { reference: 'Patient/leo' }, patient: { reference: 'Patient/maria' } }, false],
    [{ subject: 'Patient/leo' }, false],
    [{ subject: { display: 'Leo' } }, false],
    [{}, false],
    [{ participant: [{ actor: { reference: 'Patient/leo' } }] }, false]
  ])('%j: Leo’s is %s', (members, expected) => {
    expect(isOfPatient(visit(members), 'leo', BASE)).toBe(expected)
  })

  test('an appointment is of whoever comes to it', () => {
    const participant = [{ actor: { reference: 'Practitioner/lee' } }, { actor: { reference: 'Patient/leo' } }]
    expect(isOfPatient({ resourceType: 'Appointment', id: 'a', participant }, 'leo', BASE)).toBe(true)
    expect(isOfPatient({ resourceType: 'Appointment', id: 'a', participant }, 'maria', BASE)).toBe(false)
  })
})

describe('what a person recognises it by', () => {
  test('what, when and where, newest first, those without a date last', () => {
    const found = foundRecords([
      visit({ id: 'none' }),
      visit({ id: 'old', period: { start: '2024-06-11T14:00:00Z' }, type: [{ coding: [{ display: 'Office visit' }] }] }),
      visit({
        id: 'new',
        period: { start: '2025-11-18T10:00:00Z', end: '2025-11-18T10:30:00Z' },
        reasonCode: [{}, { text: 'Asthma' }],
        type: [{ text: 'Office visit' }],
        location: [{ location: { display: 'Main building' } }]
      })
    ])
    expect(found).toEqual([
      { id: 'new', what: 'Asthma', date: '2025-11-18T10:00:00Z', place: 'Main building' },
      { id: 'old', what: 'Office visit', date: '2024-06-11T14:00:00Z' },
      { id: 'none' }
    ])
  })

  test('an answer that never comes to an end inside is looked into no further', () => {
    const reasonCode: unknown = JSON.parse(`${'{"coding":'.repeat(90_000)}{}${'}'.repeat(90_000)}`)
    expect(foundRecords([visit({ reasonCode })])).toEqual([{ id: 'v' }])
  })

  test.each(['entered-in-error', 'cancelled'])('one that is %s is not shown', (status) => {
    expect(foundRecords([visit({ status })])).toEqual([])
  })

  test.each(RECORD_TYPES.filter((type) => clinicRecords().some((one) => one.resourceType === type)))(
    'of the sample clinic’s every %s can be told apart',
    (type) => {
      // A medicine that stands elsewhere has no name here.
      const named = clinicRecords().filter((one) => one.resourceType === type && !('medicationReference' in one))
      const records = foundRecords(named)
      expect(records).not.toEqual([])
      expect(records.filter(({ what, date }) => what === undefined || date === undefined)).toEqual([])
    }
  )
})

test('a search asks for one patient’s, newest first, a page at a time', () => {
  expect(String(searchForRecords('Encounter', 'leo'))).toBe('patient=leo&_sort=-date&_count=10')
  expect(() => searchForRecords('constructor', 'leo')).toThrow('nobody is asked to pick a constructor')
})
