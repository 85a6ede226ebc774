/** The code systems of the sample records, and the FHIR shapes that hold a code or a reference. */
export const LOINC = 'http://loinc.org'
export const SNOMED = 'http://snomed.info/sct'
export const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm'
export const CVX = 'http://hl7.org/fhir/sid/cvx'
export const UNITS = 'http://unitsofmeasure.org'
export const CLINIC = 'https://sampleclinic.example/codes'
export const OBSERVATION_CATEGORY = 'http://terminology.hl7.org/CodeSystem/observation-category'
export const CONDITION_CATEGORY = 'http://terminology.hl7.org/CodeSystem/condition-category'
export const US_CORE_CATEGORY = 'http://hl7.org/fhir/us/core/CodeSystem/us-core-category'
export const US_CORE_CONDITION_CATEGORY = 'http://hl7.org/fhir/us/core/CodeSystem/condition-category'
export const US_CORE_DOCUMENT_CATEGORY = 'http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category'
export const US_CORE_PROFILE = 'http://hl7.org/fhir/us/core/StructureDefinition/'

const HL7 = 'http://terminology.hl7.org/CodeSystem/'

/** system, code, what people call it */
export type Code = readonly [system: string, code: string, display: string]

/** A code of one of HL7's own terminologies. */
export const hl7 = (system: string, code: string, display = code): Code => [HL7 + system, code, display]

export function concept(...codes: Code[]) {
  return {
    coding: codes.map(([system, code, display]) => ({ system, code, display })),
    text: codes[0]?.[2] ?? ''
  }
}

export const ref = (reference: string, display?: string) => ({ reference, ...(display !== undefined && { display }) })

export const forPatient = (patient: string) => ref(`Patient/${patient}`)

export function quantity(value: number, unit: string, code = unit) {
  return { value, unit, system: UNITS, code }
}

/** Every record is as it was written once; `profile` is the last part of a US Core profile's address. */
export function meta(profile?: string) {
  return {
    versionId: '1',
    lastUpdated: '2026-01-10T09:00:00Z',
    ...(profile !== undefined && { profile: [US_CORE_PROFILE + profile] })
  }
}

/** Numbers the records of one kind for one patient: leo-lab-1, leo-lab-2, … */
export function numbered<Row>(patient: string, kind: string, rows: readonly Row[]): { id: string; row: Row }[] {
  return rows.map((row, index) => ({ id: `${patient}-${kind}-${index + 1}`, row }))
}
