/**
 * FHIR dates as spans of time: a date is as long as its precision, a period from
 * its start to its end, and a search prefix compares two spans.
 *
 * FHIR R4, "Search", section "date". A date without a time zone is taken as UTC.
 */
import { isObject } from './resource.ts'

/** Epoch ms, the end not included. */
export interface Span {
  from: number
  to: number
}

const DATE = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/

export function parseDate(text: string): Span | undefined {
  const [whole, year, month, day] = DATE.exec(text) ?? []
  if (whole !== undefined) {
    const y = Number(year)
    const m = Number(month ?? 1) - 1
    const d = Number(day ?? 1)
    const from = Date.UTC(y, m, d)
    // Date.UTC would take the 31st of February for a day in March.
    if (new Date(from).getUTCMonth() !== m || new Date(from).getUTCDate() !== d) return undefined
    const to = day !== undefined ? Date.UTC(y, m, d + 1) : month !== undefined ? Date.UTC(y, m + 1, 1) : Date.UTC(y + 1, 0, 1)
    return { from, to }
  }
  const [time, seconds, fraction, zone] = DATE_TIME.exec(text) ?? []
  if (time === undefined) return undefined
  const from = Date.parse(zone === undefined ? `${time}Z` : time)
  if (Number.isNaN(from)) return undefined
  return { from, to: from + (fraction !== undefined ? 1 : seconds !== undefined ? 1_000 : 60_000) }
}

/** The span of a date, dateTime, instant or Period element. */
export function spanOf(element: unknown): Span | undefined {
  if (typeof element === 'string') return parseDate(element)
  if (!isObject(element)) return undefined
  const start = typeof element.start === 'string' ? parseDate(element.start) : undefined
  const end = typeof element.end === 'string' ? parseDate(element.end) : undefined
  if (start === undefined && end === undefined) return undefined
  return { from: start?.from ?? -Infinity, to: end?.to ?? Infinity }
}

/** The test that a search value such as "ge2024-03" makes of an element's span; undefined where it isn't one. */
export function parseDateTest(value: string): ((span: Span) => boolean) | undefined {
  const [, prefix = 'eq', date = ''] = /^(eq|ge|le|gt|lt)?(\d.*)$/.exec(value) ?? []
  const asked = parseDate(date)
  if (asked === undefined) return undefined
  const within = (span: Span) => asked.from <= span.from && span.to <= asked.to
  const after = (span: Span) => span.to > asked.to
  const before = (span: Span) => span.from < asked.from
  switch (prefix) {
    case 'ge':
      return (span) => after(span) || within(span)
    case 'le':
      return (span) => before(span) || within(span)
    case 'gt':
      return after
    case 'lt':
      return before
    default:
      return within
  }
}
