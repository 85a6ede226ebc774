/** What tells patients of one name apart, out of a Patient resource. FHIR R4, "Patient" */
import { isMapping } from '../config/mapping.ts'
import { conceptText, dateText, listOf, textOf } from './element-text.ts'
import type { FhirResource } from './fhir-client.ts'

export interface FoundPatient {
  id: string
  /** '' where the record has none. */
  name: string
  birthDate?: string
  sex?: 'female' | 'male' | 'other' | 'unknown'
  /** The number of the record, as the organisation itself gives it. */
  number?: string
}

const SEXES = ['female', 'male', 'other', 'unknown'] as const
/** Names that are not, or no longer, how somebody is called. */
const ASIDE = new Set(['old', 'maiden', 'nickname', 'anonymous', 'temp'])
const RECORD_NUMBER = 'MR'
/** Numbers that a state gives are for no page: by type (HL7 v2 table 0203), or by the words, URL or OID of type and system. */
const OF_A_STATE = /^(?:SS|SB|NI|NN[A-Z]*|PPN|DL|TAX)$/i
const NAMES_OF_THOSE = /ssn|social|passport|licen[cs]e|\b2\.16\.840\.1\.113883\.4\.(?:1|3|330)\b/i

export function foundPatient(resource: FhirResource): FoundPatient {
  const birthDate = dateText(resource.birthDate)
  const sex = SEXES.find((one) => one === resource.gender)
  const number = numberOf(resource.identifier)
  return {
    id: resource.id,
    name: nameOf(resource.name),
    ...(birthDate === undefined ? {} : { birthDate }),
    ...(sex === undefined ? {} : { sex }),
    ...(number === undefined ? {} : { number })
  }
}

function nameOf(names: unknown): string {
  const all = listOf(names).filter(isMapping)
  const rank = ({ use }: Record<string, unknown>): number =>
    use === 'official' ? 0 : use === 'usual' || use === undefined ? 1 : ASIDE.has(textOf(use) ?? '') ? 3 : 2
  const [first] = all.toSorted((one, other) => rank(one) - rank(other))
  if (!first) return ''
  const parts = [...listOf(first.given), ...listOf(first.family), ...listOf(first.suffix)].flatMap((part) => textOf(part) ?? [])
  // The parts are whole where a text may be short; a text alone is better than nothing.
  return textOf(parts.join(' ')) ?? textOf(first.text) ?? ''
}

/** The record's own number before any other that is not a state's. */
function numberOf(identifiers: unknown): string | undefined {
  const all = listOf(identifiers).filter(isMapping)
  const open = all.filter(
    ({ system, type }) =>
      !codesOf(type).some((code) => OF_A_STATE.test(code)) &&
      !NAMES_OF_THOSE.test(`${conceptText(type) ?? ''} ${textOf(system) ?? ''}`)
  )
  const chosen =
    all.find(({ type }) => codesOf(type).includes(RECORD_NUMBER)) ?? open.find(({ use }) => use === 'usual') ?? open[0]
  return textOf(chosen?.value)
}

function codesOf(type: unknown): string[] {
  if (!isMapping(type)) return []
  return listOf(type.coding).flatMap((coding) => (isMapping(coding) ? (textOf(coding.code) ?? []) : []))
}
