/** Which groups of kinds of data a list of scopes reaches, for pages that tell rather than ask. */
import { choicesFor } from './choices.ts'
import type { KindOfData } from './kinds.ts'

/** Ids of groups, in the order of the kinds of data. */
export function kindsIn(scopes: readonly string[], kinds: readonly KindOfData[]): string[] {
  // As granted, scope by scope: a clinician's reading takes nothing apart.
  const choices = choicesFor({ scopes, decides: 'clinician', kinds, categoriesOf: [] })
  return [...new Set(choices.map((choice) => choice.group))]
}
