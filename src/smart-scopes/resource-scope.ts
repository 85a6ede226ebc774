/**
 * The grammar of SMART scopes for FHIR resources, and nothing else: what one
 * says, how it is written, whether one covers another. Which of them a client
 * may be granted is decided in smart/scope-policy.ts.
 *
 * SMART App Launch 2.2, "Scopes for requesting FHIR Resources"; version 1 forms
 * (.read, .write, .*) as "Scopes v1" there maps them.
 */
export interface ResourceScope {
  context: 'patient' | 'user' | 'system'
  /** A FHIR resource type, or '*'. */
  resourceType: string
  /** A non-empty, in-order subset of 'cruds'. */
  interactions: string
  /** The search parameters after '?', kept verbatim. */
  query?: string
  /** Written as version 1 (.read, .write or .*): it is answered as it was asked. */
  version1: boolean
}

const SYNTAX = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]*)\.(read|write|\*|(?=[cruds])c?r?u?d?s?)(?:\?(.+))?$/
const VERSION_1: Record<string, string> = { read: 'rs', write: 'cud', '*': 'cruds' }

/** The scope that a string names; undefined where it is none (openid, launch, anything malformed). */
export function parseResourceScope(scope: string): ResourceScope | undefined {
  const match = SYNTAX.exec(scope)
  if (!match) return undefined
  const [, context, resourceType, access, query] = match
  if ((context !== 'patient' && context !== 'user' && context !== 'system') || !resourceType || !access) return undefined
  const version1 = VERSION_1[access] !== undefined
  // Search parameters came with version 2: a version 1 scope has none.
  if (version1 && query !== undefined) return undefined
  return { context, resourceType, interactions: VERSION_1[access] ?? access, version1, ...(query === undefined ? {} : { query }) }
}

/** The string that names a scope. Version 1 is kept only where it can say the same. */
export function printResourceScope(scope: ResourceScope): string {
  const version1 = Object.entries(VERSION_1).find(([, letters]) => letters === scope.interactions)?.[0]
  const access = scope.version1 && version1 && scope.query === undefined ? version1 : scope.interactions
  return `${scope.context}/${scope.resourceType}.${access}${scope.query === undefined ? '' : `?${scope.query}`}`
}

/** Whether holding `held` permits everything that `wanted` asks for. */
export function covers(held: ResourceScope, wanted: ResourceScope): boolean {
  return (
    held.context === wanted.context &&
    (held.resourceType === '*' || held.resourceType === wanted.resourceType) &&
    [...wanted.interactions].every((letter) => held.interactions.includes(letter)) &&
    // Two search queries are compared as text: a filter we can't prove narrower is not covered.
    (held.query === undefined || held.query === wanted.query)
  )
}
