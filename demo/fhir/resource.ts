/**
 * How the sample FHIR server looks into resources: codings, references, and
 * nothing of what a search parameter or a scope means.
 */
export interface Resource {
  resourceType: string
  id: string
  [member: string]: unknown
}

export interface Coding {
  system?: string | undefined
  code: string
}

export interface Records {
  /** The types that this server holds. */
  types: string[]
  ofType(type: string): Resource[]
  find(type: string, id: string): Resource | undefined
}

export function createRecords(resources: Resource[]): Records {
  const byType = new Map<string, Map<string, Resource>>()
  for (const resource of resources) {
    const sameType = byType.get(resource.resourceType) ?? new Map<string, Resource>()
    if (sameType.has(resource.id)) throw new Error(`${resource.resourceType}/${resource.id} exists twice`)
    byType.set(resource.resourceType, sameType.set(resource.id, resource))
  }
  return {
    types: [...byType.keys()].sort(),
    ofType: (type) => [...(byType.get(type)?.values() ?? [])],
    find: (type, id) => byType.get(type)?.get(id)
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** FHIR elements are there once, several times or not at all: all three as a list. */
export function listOf(value: unknown): unknown[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}

/** The codings of a code, Coding, CodeableConcept or Identifier, or of a list of them. */
export function codingsOf(value: unknown): Coding[] {
  return listOf(value).flatMap((item): Coding[] => {
    if (typeof item === 'string') return [{ code: item }]
    if (!isObject(item)) return []
    if (item.coding !== undefined) return codingsOf(item.coding)
    const code = item.code ?? item.value
    const system = item.system
    return typeof code === 'string' ? [{ code, system: typeof system === 'string' ? system : undefined }] : []
  })
}

/** The relative references ("Patient/leo") of an element or a list of them. */
export function referencesOf(value: unknown): string[] {
  return listOf(value).flatMap((item) => {
    const reference = isObject(item) ? item.reference : undefined
    return typeof reference === 'string' ? [reference] : []
  })
}
