/** What YAML calls a mapping, and JSON an object: names with values, of which nothing is known yet. */
export type Mapping = Record<string, unknown>

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
