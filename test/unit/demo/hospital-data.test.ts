import { expect, test } from 'vitest'
import { hospitalRecords } from '../../../demo/data/hospital.ts'
import { clinicRecords } from '../../../demo/data/records.ts'
import { createRecords } from '../../../demo/fhir/resource.ts'

const records = createRecords(hospitalRecords())
const ids = (type: string) => records.ofType(type).map(({ id }) => id)

function referencesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) =>
    name === 'reference' && typeof member === 'string' ? [member] : referencesIn(member)
  )
}

test('the second house has patients of its own, of whom the clinic has none', () => {
  expect(ids('Patient')).toEqual(['r-20417', 'r-20418', 'r-20419'])
  const known = createRecords(clinicRecords())
  expect(ids('Patient').filter((id) => known.find('Patient', id))).toEqual([])
})

test('every reference leads to a record of the same house', () => {
  const references = hospitalRecords().flatMap(referencesIn)
  expect(references.length).toBeGreaterThan(100)
  const broken = references.filter((reference) => {
    const [type = '', id = ''] = reference.split('/')
    return !records.find(type, id)
  })
  expect(broken).toEqual([])
})

test('a stay is as long as its hours, and has two measurements in each', () => {
  const [stay] = records.ofType('Encounter')
  expect(stay?.period).toEqual({ start: '2025-07-05T01:00:00Z', end: '2025-07-05T13:00:00Z' })
  expect(ids('Observation').filter((id) => id.startsWith('r-20417-'))).toHaveLength(25)
})
