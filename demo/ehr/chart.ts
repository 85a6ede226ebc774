/** What the EHR shows of the clinic's records: patients, their visits, and who works here. The EHR and the records are one house. */
import { z } from 'zod'

const name = z
  .array(z.looseObject({ text: z.string().optional(), given: z.array(z.string()).default([]), family: z.string().default('') }))
  .min(1)
const patientRecord = z.looseObject({ resourceType: z.literal('Patient'), id: z.string(), name, birthDate: z.string() })
const practitionerRecord = z.looseObject({ resourceType: z.literal('Practitioner'), id: z.string(), name })
const encounterRecord = z.looseObject({
  resourceType: z.literal('Encounter'),
  id: z.string(),
  subject: z.looseObject({ reference: z.string() }),
  period: z.looseObject({ start: z.string() }),
  reasonCode: z
    .array(
      z.looseObject({
        text: z.string().optional(),
        coding: z.array(z.looseObject({ display: z.string().optional() })).default([])
      })
    )
    .default([])
})

export interface Visit {
  id: string
  /** An ISO date. */
  date: string
  kind: string
}

export interface ChartPatient {
  id: string
  name: string
  birthDate: string
  /** The latest first. */
  visits: Visit[]
}

export interface Chart {
  patients: ChartPatient[]
  practitioners: { id: string; name: string }[]
}

export function readChart(records: readonly object[]): Chart {
  const visits = pick(encounterRecord, records).map(({ id, subject, period, reasonCode }) => ({
    of: subject.reference,
    visit: { id, date: period.start.slice(0, 10), kind: reasonCode[0]?.text ?? reasonCode[0]?.coding[0]?.display ?? 'Visit' }
  }))
  return {
    practitioners: pick(practitionerRecord, records).map(({ id, name }) => ({ id, name: fullName(name) })),
    patients: pick(patientRecord, records).map(({ id, name, birthDate }) => ({
      id,
      name: fullName(name),
      birthDate,
      visits: visits
        .filter(({ of }) => of === `Patient/${id}`)
        .map(({ visit }) => visit)
        .sort((one, other) => other.date.localeCompare(one.date))
    }))
  }
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
