/** Which groups of kinds of data a list of scopes reaches, for pages that tell rather than ask. */
import { choicesFor } from './choices.ts'
import type { KindOfData } from './kinds.ts'

/** Keys of their words, in the order of the kinds of data. Where all is given, "everything else" would say too little. */
export function kindsIn(scopes: readonly string[], kinds: readonly KindOfData[]): string[] {
  // As granted, scope by scope: a clinician's reading takes nothing apart.
  const choices = choicesFor({ scopes, decides: 'clinician', kinds, categoriesOf: [] })
  const groups = [...new Set(choices.map((choice) => choice.group))]
  const whole = choices.find(({ scope }) => /^(patient|user)\/\*\.[a-z]+$/.test(scope))
  if (whole && groups.length === 1) return [`consent.wide.${whole.scope.startsWith('user/') ? 'user' : 'patient'}.label`]
  return groups.map((group) => `groups.${group}`)
}
