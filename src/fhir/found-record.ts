/**
 * The types of record of which Keyward lets a person pick one: those that any
 * FHIR server finds by `patient`, with a date to order them by. And what a person recognises
 * one by: what it is, when, and where. FHIR R4
 */
import { isMapping } from '../config/mapping.ts'
import { conceptText, dateText, listOf, referredIds, textOf } from './element-text.ts'
import { type FhirResource, PAGE_SIZE } from './fhir-client.ts'

interface RecordType {
  /** The search parameter of its date. */
  dateParameter: string
  /** Elements, the first that says something. */
  dates: readonly string[]
  kinds: readonly string[]
}

const of = (dateParameter: string, dates: string[], kinds: string[]): RecordType => ({ dateParameter, dates, kinds })

const TYPES: Readonly<Record<string, RecordType>> = {
  Appointment: of('date', ['start'], ['description', 'serviceType', 'appointmentType', 'reasonCode']),
  CarePlan: of('date', ['period'], ['title', 'category']),
  Condition: of('recorded-date', ['onsetDateTime', 'onsetPeriod', 'recordedDate'], ['code']),
  DiagnosticReport: of('date', ['effectiveDateTime', 'effectivePeriod', 'issued'], ['code', 'category']),
  DocumentReference: of('date', ['date'], ['description', 'type', 'category']),
  Encounter: of('date', ['period'], ['reasonCode', 'serviceType', 'type', 'class']),
  ImagingStudy: of('started', ['started'], ['description', 'procedureCode', 'modality']),
  Immunization: of('date', ['occurrenceDateTime'], ['vaccineCode']),
  MedicationRequest: of('authoredon', ['authoredOn'], ['medicationCodeableConcept', 'medicationReference']),
  Observation: of('date', ['effectiveDateTime', 'effectivePeriod', 'issued'], ['code']),
  Procedure: of('date', ['performedDateTime', 'performedPeriod'], ['code']),
  ServiceRequest: of('authored', ['authoredOn'], ['code'])
}

export const RECORD_TYPES: readonly string[] = Object.keys(TYPES)

export interface FoundRecord {
  id: string
  what?: string
  date?: string
  place?: string
}

export function searchForRecords(resourceType: string, patient: string): URLSearchParams {
  return new URLSearchParams({ patient, _sort: `-${typeOf(resourceType).dateParameter}`, _count: String(PAGE_SIZE) })
}

/** Whether it says itself that it is of this patient; whatever else a server may have found it by. */
export function isOfPatient(resource: FhirResource, patient: string, { baseUrl }: { baseUrl: string }): boolean {
  const actors = listOf(resource.participant).flatMap((one) => (isMapping(one) ? listOf(one.actor) : []))
  const owners = [resource.subject, resource.patient, ...(resource.resourceType === 'Appointment' ? actors : [])].flatMap((one) =>
    referredIds(one, 'Patient', baseUrl)
  )
  return owners.length > 0 && owners.every((id) => id === patient)
}

/** Newest first, those without a date last, and none that was entered by mistake or never came about. */
export function foundRecords(resources: readonly FhirResource[]): FoundRecord[] {
  return resources
    .filter(({ status }) => status !== 'entered-in-error' && status !== 'cancelled')
    .map(foundRecord)
    .toSorted((one, other) => (other.date ?? '').localeCompare(one.date ?? ''))
}

function foundRecord(resource: FhirResource): FoundRecord {
  const { dates, kinds } = typeOf(resource.resourceType)
  const [date] = dates.flatMap((element) => dateText(resource[element]) ?? [])
  const [what] = kinds.flatMap((element) => conceptText(resource[element]) ?? [])
  const place = placeOf(resource)
  return {
    id: resource.id,
    ...(what === undefined ? {} : { what }),
    ...(date === undefined ? {} : { date }),
    ...(place === undefined ? {} : { place })
  }
}

function placeOf({ location, serviceProvider, performer }: FhirResource): string | undefined {
  const [found] = [
    ...listOf(location).flatMap((one) => (isMapping(one) ? [one.location, one] : [])),
    serviceProvider,
    ...listOf(performer)
  ].flatMap((one) => (isMapping(one) ? (textOf(one.display) ?? []) : []))
  return found
}

function typeOf(resourceType: string): RecordType {
  const found = Object.hasOwn(TYPES, resourceType) ? TYPES[resourceType] : undefined
  if (!found) throw new Error(`nobody is asked to pick a ${resourceType}`)
  return found
}
