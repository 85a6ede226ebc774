/** What a clinician types to find a patient, and the search that it becomes. FHIR R4, "Search", sections "string", "date", "Escaping Search Parameters" */
import { PAGE_SIZE } from '../fhir/fhir-client.ts'
import type { Typed } from './searches.ts'

export type TypedSearch =
  | { ok: true; parameters: URLSearchParams }
  | { ok: false; reason: 'nothing-typed' | 'too-short' | 'no-such-date' }

export const LONGEST_NAME = 100
const MOST_WORDS = 6

export function typedSearch({ name, birthDate }: Typed): TypedSearch {
  const words = name
    .slice(0, LONGEST_NAME)
    .split(/[\s,;\p{Cc}]+/u)
    .filter(Boolean)
    .slice(0, MOST_WORDS)
  if (words.length === 0 && birthDate === '') return { ok: false, reason: 'nothing-typed' }
  if (birthDate !== '' && !isDate(birthDate)) return { ok: false, reason: 'no-such-date' }
  // One letter is half of everybody; one character of a script that writes syllables or words is a name.
  if (birthDate === '' && Buffer.byteLength(words.join('')) < 2) return { ok: false, reason: 'too-short' }
  const parameters = new URLSearchParams()
  // Each word is a part of the name: given twice, both must match, in any order.
  for (const word of words) parameters.append('name', word.replace(/[\\$|]/g, '\\$&'))
  if (birthDate !== '') parameters.append('birthdate', birthDate)
  parameters.append('_count', String(PAGE_SIZE))
  return { ok: true, parameters }
}

function isDate(text: string): boolean {
  const [whole, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? []
  if (whole === undefined) return false
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day)
}
