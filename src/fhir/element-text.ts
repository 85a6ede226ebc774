/** How elements of FHIR's data types are read as words for people: whatever else is in them, or is wrong with them, is left out. */
import { isMapping } from '../config/mapping.ts'

const LONGEST = 200

/** Elements are there once, several times or not at all: all three as a list. */
export function listOf(value: unknown): unknown[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value : [value]
}

/** Text without what can't be seen or turns the direction of what stands beside it. */
export function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const plain = value
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, LONGEST)
  return plain === '' ? undefined : plain
}

/** The words of a CodeableConcept or a Coding, or of the first of several that has some. */
export function conceptText(value: unknown): string | undefined {
  for (const one of listOf(value)) {
    if (typeof one === 'string') return textOf(one)
    if (!isMapping(one)) continue
    // A Coding has none inside it: however deep an answer is, it is looked into no further.
    const [coded] = listOf(one.coding).flatMap((coding) => (isMapping(coding) ? (textOf(coding.display) ?? []) : []))
    const words = textOf(one.text) ?? textOf(one.display) ?? coded
    if (words !== undefined) return words
  }
  return undefined
}

// FHIR R4, the datatypes date, dateTime and instant; a date may end after the year or the month.
const DATE = /^\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01])(?:T[\d:.]{1,30}(?:Z|[+-]\d\d:\d\d))?)?)?$/

/** A date as it is written there; of a period its start. */
export function dateText(value: unknown): string | undefined {
  const written = isMapping(value) ? (value.start ?? value.end) : value
  return typeof written === 'string' && DATE.test(written) ? written : undefined
}

/** The logical ids of one type to which references lead, at that FHIR server. */
export function referredIds(value: unknown, resourceType: string, baseUrl: string): string[] {
  return listOf(value).flatMap((one) => {
    const reference = isMapping(one) && typeof one.reference === 'string' ? one.reference : ''
    const relative = reference.startsWith(`${baseUrl}/`) ? reference.slice(baseUrl.length + 1) : reference
    const [, type, id] = /^([A-Za-z]+)\/([A-Za-z0-9.-]{1,64})(?:\/_history\/.*)?$/.exec(relative) ?? []
    return type === resourceType && id !== undefined ? [id] : []
  })
}
