/** What the EHR shows of the clinic's records: patients, their visits and reports, and who works here. The EHR and the records are one house. */
import { z } from 'zod'

const text = z.looseObject({
  text: z.string().optional(),
  coding: z.array(z.looseObject({ display: z.string().optional() })).default([])
})
const subject = z.looseObject({ reference: z.string() })
const name = z
  .array(z.looseObject({ text: z.string().optional(), given: z.array(z.string()).default([]), family: z.string().default('') }))
  .min(1)
const patientRecord = z.looseObject({ resourceType: z.literal('Patient'), id: z.string(), name, birthDate: z.string() })
const practitionerRecord = z.looseObject({ resourceType: z.literal('Practitioner'), id: z.string(), name })
const encounterRecord = z.looseObject({
  resourceType: z.literal('Encounter'),
  id: z.string(),
  subject,
  period: z.looseObject({ start: z.string() }),
  reasonCode: z.array(text).default([])
})
const reportRecord = z.looseObject({
  resourceType: z.literal('DiagnosticReport'),
  id: z.string(),
  subject,
  code: text,
  effectiveDateTime: z.string()
})
const noteRecord = z.looseObject({
  resourceType: z.literal('DocumentReference'),
  id: z.string(),
  subject,
  type: text,
  date: z.string()
})

export interface Visit {
  id: string
  /** An ISO date. */
  date: string
  kind: string
}

/** A report or a note, which an app may be opened with. */
export interface ChartRecord {
  /** Relative to the FHIR base URL. */
  reference: string
  date: string
  title: string
}

export interface ChartPatient {
  id: string
  name: string
  birthDate: string
  /** The latest first. */
  visits: Visit[]
  /** The latest first. */
  records: ChartRecord[]
}

export interface Chart {
  patients: ChartPatient[]
  practitioners: { id: string; name: string }[]
}

export function readChart(records: readonly object[]): Chart {
  const visits = pick(encounterRecord, records).map(({ id, subject, period, reasonCode: [reason] }) => ({
    of: subject.reference,
    entry: { id, date: day(period.start), kind: reason ? titleOf(reason) : 'Visit' }
  }))
  const reports = pick(reportRecord, records).map(({ id, subject, code, effectiveDateTime }) => ({
    of: subject.reference,
    entry: { reference: `DiagnosticReport/${id}`, date: day(effectiveDateTime), title: titleOf(code) }
  }))
  const notes = pick(noteRecord, records).map(({ id, subject, type, date }) => ({
    of: subject.reference,
    entry: { reference: `DocumentReference/${id}`, date: day(date), title: titleOf(type) }
  }))
  return {
    practitioners: pick(practitionerRecord, records).map(({ id, name }) => ({ id, name: fullName(name) })),
    patients: pick(patientRecord, records).map(({ id, name, birthDate }) => ({
      id,
      name: fullName(name),
      birthDate,
      visits: latestOf(id, visits),
      records: latestOf(id, [...reports, ...notes])
    }))
  }
}

function latestOf<Entry extends { date: string }>(patient: string, all: { of: string; entry: Entry }[]): Entry[] {
  return all
    .filter(({ of }) => of === `Patient/${patient}`)
    .map(({ entry }) => entry)
    .sort((one, other) => other.date.localeCompare(one.date))
}

function day(time: string): string {
  return time.slice(0, 10)
}

function titleOf({ text: words, coding: [first] }: z.infer<typeof text>): string {
  return words ?? first?.display ?? 'Without a name'
}

function pick<T>(form: z.ZodType<T>, records: readonly object[]): T[] {
  return records.flatMap((record) => {
    const read = form.safeParse(record)
    return read.success ? [read.data] : []
  })
}

function fullName([first]: z.infer<typeof name>): string {
  return first?.text ?? [...(first?.given ?? []), first?.family ?? ''].join(' ').trim()
}
