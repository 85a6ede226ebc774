/**
 * Whose record a resource belongs to. What a token may see of that record is
 * decided in permissions.ts.
 *
 * FHIR R4, "CompartmentDefinition Patient", as far as this server's data goes
 */
import { type Records, type Resource, referencesOf } from './resource.ts'

/** Types that are about nobody in particular and support everybody's record. */
const SUPPORTING_TYPES = new Set([
  'Endpoint',
  'Location',
  'Medication',
  'Organization',
  'Practitioner',
  'PractitionerRole',
  'Questionnaire'
])

const OWNERS = ['subject', 'patient', 'beneficiary', 'securityContext']

export function inCompartment(resource: Resource, patient: string, records: Records): boolean {
  return SUPPORTING_TYPES.has(resource.resourceType) || patientsOf(resource, records).includes(patient)
}

/** The logical ids of the patients whose record the resource is part of. */
function patientsOf(resource: Resource, records: Records): string[] {
  if (resource.resourceType === 'Patient') return [resource.id]
  if (resource.resourceType === 'Provenance') {
    return referencesOf(resource.target).flatMap((reference) => {
      const [type = '', id = ''] = reference.split('/')
      const target = records.find(type, id)
      return target === undefined || target.resourceType === 'Provenance' ? [] : patientsOf(target, records)
    })
  }
  return OWNERS.flatMap((owner) => referencesOf(resource[owner]))
    .filter((reference) => reference.startsWith('Patient/'))
    .map((reference) => reference.slice('Patient/'.length))
}
