/** The lines that keep the switches honest: what turning one off can't do, and what it costs. */
import { parseResourceScope } from '../smart-scopes/resource-scope.ts'
import type { Choice } from './choices.ts'

const TELLING = new Set(['notes', 'medicines', 'visits', 'insurance'])
const ADVICE = new Set(['allergies', 'medicines', 'problems'])

/** Locale keys, for what is ticked at the moment. */
export function noticesFor(choices: readonly Choice[], ticked: ReadonlySet<string>): string[] {
  const off = choices.filter((choice) => !choice.broad && !ticked.has(choice.scope))
  const on = choices.filter((choice) => ticked.has(choice.scope))
  const byCategory = choices.filter((choice) => parseResourceScope(choice.scope)?.query?.startsWith('category='))
  const somethingOff = byCategory.some((choice) => !ticked.has(choice.scope))
  return [
    ...(byCategory.length > 1 ? ['consent.notice.two-headings'] : []),
    ...(byCategory.length > 1 && somethingOff ? ['consent.notice.no-heading'] : []),
    ...(off.length > 0 && on.some((choice) => TELLING.has(choice.group)) ? ['consent.notice.still-shows'] : []),
    ...(off.some((choice) => ADVICE.has(choice.group)) && on.length > 0 ? ['consent.notice.advice'] : [])
  ]
}
