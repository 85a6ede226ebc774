/**
 * The search parameters of a scope, what follows its '?', and nothing else: how
 * they are written, and which of two lets less through. What a scope says
 * besides is in resource-scope.ts; which parameters a FHIR server enforces is
 * for smart/scope-policy.ts.
 *
 * SMART App Launch 2.2, "Finer-grained resource constraints using search
 * parameters". Raw and percent-encoded characters mean the same.
 */
interface Term {
  /** With its modifier or chain, where it has one: `category`, `code:in`, `patient.birthdate`. */
  name: string
  /** Any of them may match. More than one only for a plain parameter: what a comma means after a modifier, servers disagree. */
  values: string[]
}

/** All of them must match. */
export type SearchFilter = Term[]

const NAME = /^[A-Za-z_][\w-]*(?:[.:][A-Za-z_][\w-]*)*$/
const PLAIN = /^[\w-]+$/
/** These say what an answer looks like, or what comes along with it, and hold nothing back. FHIR R4, "Search Control Parameters" */
const NO_FILTER =
  /^_(?:contained|containedType|count|elements|format|graph|include|maxresults|pretty|query|revinclude|score|sort|summary|total)(?![\w-])/

/** What the text after '?' says; undefined where it is no list of parameters that hold something back. */
export function parseSearchFilter(query: string): SearchFilter | undefined {
  const filter: SearchFilter = []
  for (const part of query.split('&')) {
    const equals = part.indexOf('=')
    const name = decode(part.slice(0, Math.max(equals, 0)))
    const value = decode(part.slice(equals + 1))
    if (name === undefined || !NAME.test(name) || NO_FILTER.test(name)) return undefined
    const values = value === undefined ? [] : PLAIN.test(name) ? alternatives(value) : [value]
    if (values.length === 0 || values.includes('')) return undefined
    filter.push({ name, values })
  }
  return filter
}

/** Whether everything that `wanted` lets through, `held` does as well, as far as that can be told from the text. */
export function letsThrough(held: SearchFilter, wanted: SearchFilter): boolean {
  return held.every(({ name, values }) =>
    wanted.some((term) => term.name === name && term.values.every((value) => values.includes(value)))
  )
}

/** The values that a search for a plain parameter has; none where the parameter is not in it. */
export function valuesOf(query: string | undefined, name: string): string[] {
  const filter = query === undefined ? undefined : parseSearchFilter(query)
  return filter?.flatMap((term) => (term.name === name ? term.values : [])) ?? []
}

/** Undefined for a broken escape, and for control characters: no FHIR server can be asked for those. */
function decode(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text)
    return /\p{Cc}/u.test(decoded) ? undefined : decoded
  } catch {
    return undefined
  }
}

/** What a comma stands between, unless it is escaped by a backslash. FHIR R4, "Escaping Search Parameters" */
function alternatives(value: string): string[] {
  return value.split(/(?<=(?<!\\)(?:\\\\)*),/)
}
