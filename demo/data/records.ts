/** All records of the sample clinic: synthetic, and the same at every start. */
import type { Resource } from '../fhir/resource.ts'
import { careRecords } from './care.ts'
import { documentRecords } from './documents.ts'
import { findingRecords } from './findings.ts'
import { measurements } from './measurements.ts'
import { medicineRecords } from './medicines.ts'
import { people, places } from './people.ts'
import { problemRecords } from './problems.ts'
import { encounters } from './visits.ts'

export function clinicRecords(): Resource[] {
  return [
    ...people,
    ...places,
    ...encounters,
    ...problemRecords,
    ...medicineRecords,
    ...measurements,
    ...findingRecords,
    ...careRecords,
    ...documentRecords
  ]
}
