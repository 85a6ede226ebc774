/**
 * Who an account is at a FHIR server, and whose records it may share there.
 * What was written into the account is all that counts: nobody is asked.
 */
import type { Person } from '../config/config.ts'
import type { Account } from './accounts.ts'

export type RelatedPatient = Person['patients'][number]

/** The patients whose records this account may share at this FHIR server; the person's own is one with the relationship `self`. */
export function patientsOf(account: Account, fhirServerId: string): RelatedPatient[] {
  return account.people.filter((person) => person.fhirServer === fhirServerId).flatMap((person) => person.patients)
}

export function mayShare(account: Account, fhirServerId: string, patientId: string): boolean {
  return patientsOf(account, fhirServerId).some((patient) => patient.id === patientId)
}

/** The relative reference (`Practitioner/lee`) of this account at this FHIR server; undefined where it is nobody there. */
export function fhirUserAt(account: Account, fhirServerId: string): string | undefined {
  return account.people.find((person) => person.fhirServer === fhirServerId)?.fhirUser
}

// A FHIR date may end after the year or the month.
const FHIR_DATE = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/

/** Whole years on the day of `nowMs` (UTC); undefined where the date is missing, too coarse to tell, or in the future. */
export function ageInYears(birthDate: string | undefined, nowMs: number): number | undefined {
  const [, year, month, day] = FHIR_DATE.exec(birthDate ?? '') ?? []
  if (!year || !month || !day) return undefined
  const today = new Date(nowMs)
  const hadBirthday = today.toISOString().slice(5, 10) >= `${month}-${day}`
  const age = today.getUTCFullYear() - Number(year) - (hadBirthday ? 0 : 1)
  return age >= 0 ? age : undefined
}
