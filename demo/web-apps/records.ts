/** What the two web apps read of a patient's record, and how they say it: rows of a table. */
import { z } from 'zod'

/** What an app reads: searches of the patient's record, each with the words for what it finds. */
export interface View {
  heading: string
  columns: [string, string]
  search: (patient: string) => string
  /** An ISO date, and the words beside it. */
  row(entry: unknown): [date: string, words: string] | undefined
}

const text = z.looseObject({
  text: z.string().optional(),
  coding: z.array(z.looseObject({ display: z.string().optional() })).default([])
})
const period = z.looseObject({ start: z.string() })
const encounter = z.looseObject({ period, reasonCode: z.array(text).default([]) })
const plan = z.looseObject({ period, description: z.string() })
const goal = z.looseObject({ startDate: z.string(), description: text })
const bundle = z.looseObject({ entry: z.array(z.looseObject({ resource: z.unknown() })).default([]) })
const patient = z.looseObject({ name: z.array(z.looseObject({ text: z.string() })).min(1) })

function rowOf<T>(form: z.ZodType<T>, words: (entry: T) => [date: string, words: string]): View['row'] {
  return (entry) => {
    const read = form.safeParse(entry)
    return read.success ? words(read.data) : undefined
  }
}

export const visitViews: View[] = [
  {
    heading: 'Visits',
    columns: ['Day', 'What for'],
    search: (id) => `Encounter?patient=${id}&_count=100`,
    row: rowOf(encounter, ({ period: { start }, reasonCode: [reason] }) => [
      start,
      reason?.text ?? reason?.coding[0]?.display ?? 'Visit'
    ])
  }
]

export const carePlanViews: View[] = [
  {
    heading: 'Plans',
    columns: ['Since', 'Plan'],
    search: (id) => `CarePlan?patient=${id}`,
    row: rowOf(plan, ({ period: { start }, description }) => [start, description])
  },
  {
    heading: 'Goals',
    columns: ['Since', 'Goal'],
    search: (id) => `Goal?patient=${id}`,
    row: rowOf(goal, ({ startDate, description }) => [startDate, description.text ?? ''])
  }
]

/** The latest first. */
export function rowsOf(view: View, found: unknown): [day: string, words: string][] {
  return bundle
    .parse(found)
    .entry.flatMap(({ resource }) => {
      const row = view.row(resource)
      return row ? [row] : []
    })
    .sort(([one], [other]) => other.localeCompare(one))
    .map(([date, words]) => [longDate(date), words])
}

export function nameOf(found: unknown): string {
  return patient.parse(found).name[0]?.text ?? ''
}

function longDate(date: string): string {
  return new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(date))
}
