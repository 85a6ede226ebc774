/**
 * The grammar of SMART scopes for FHIR resources, and nothing else: what one
 * says, how it is written, what it covers and what two have in common. Which of
 * them a client may be granted is decided in smart/scope-policy.ts.
 *
 * SMART App Launch 2.2, "Scopes for requesting FHIR Resources"; version 1 forms
 * (.read, .write, .*) as "Scopes v1" there maps them.
 */
import { letsThrough, parseSearchFilter, type SearchFilter } from './search-filter.ts'

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

// RFC 6749 §3.3: no space, quote or backslash, and nothing but ASCII.
const SYNTAX =
  /^(patient|user|system)\/(\*|[A-Z][A-Za-z]*)\.(read|write|\*|(?=[cruds])c?r?u?d?s?)(?:\?([\x21\x23-\x5b\x5d-\x7e]+))?$/
const VERSION_1: Record<string, string> = { read: 'rs', write: 'cud', '*': 'cruds' }

/** The scope that a string names; undefined where it is none (openid, launch, anything malformed). */
export function parseResourceScope(scope: string): ResourceScope | undefined {
  const match = SYNTAX.exec(scope)
  if (!match) return undefined
  const [, context, resourceType, access, query] = match
  if ((context !== 'patient' && context !== 'user' && context !== 'system') || !resourceType || !access) return undefined
  const version1 = VERSION_1[access] !== undefined
  // Search parameters came with version 2: a version 1 scope has none.
  if (query !== undefined && (version1 || !parseSearchFilter(query))) return undefined
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
  return coveredBy([held], wanted)
}

/** Whether several scopes together do: what they give is added up, so that `.r` and `.s` are `.rs`. */
export function coveredBy(held: readonly ResourceScope[], wanted: ResourceScope): boolean {
  return coverage(held)(wanted)
}

/** The same question for many: the search parameters of each scope are read once. */
export function coverage(held: readonly ResourceScope[]): (wanted: ResourceScope) => boolean {
  const all = held.map(read)
  return (wanted) => {
    const one = read(wanted)
    const reaching = all.filter((other) => reaches(other, one))
    return [...wanted.interactions].every((letter) => reaching.some(({ scope }) => scope.interactions.includes(letter)))
  }
}

/** Of `wanted`, what a scope covers. */
export function coveredAmong<T extends ResourceScope>(wanted: readonly T[]): (held: ResourceScope) => T[] {
  const all = wanted.map(read)
  return (held) => {
    const one = read(held)
    const gives = ({ interactions }: ResourceScope) => [...interactions].every((letter) => held.interactions.includes(letter))
    return all.filter((other) => reaches(one, other) && gives(other.scope)).map(({ scope }) => scope)
  }
}

interface Read<T extends ResourceScope = ResourceScope> {
  scope: T
  filter(): SearchFilter | undefined
}

/** Its search parameters are read when they are first asked for. */
function read<T extends ResourceScope>(scope: T): Read<T> {
  let filter: SearchFilter | undefined
  return { scope, filter: () => (filter ??= parseSearchFilter(scope.query ?? '')) }
}

/** Whatever may be done there. */
function reaches(held: Read, wanted: Read): boolean {
  const [{ context, resourceType }, other] = [held.scope, wanted.scope]
  return context === other.context && (resourceType === '*' || resourceType === other.resourceType) && filterCovers(held, wanted)
}

/** What `held` leaves of `wanted`: both permit it, and nothing else does both permit. Undefined where that is nothing. */
export function inCommon(held: ResourceScope, wanted: ResourceScope): ResourceScope | undefined {
  const interactions = [...wanted.interactions].filter((letter) => held.interactions.includes(letter)).join('')
  const types = [held.resourceType, wanted.resourceType]
  const sameType = held.resourceType === wanted.resourceType || types.includes('*')
  if (held.context !== wanted.context || !sameType || interactions === '') return undefined
  const query = bothQueries(read(held), read(wanted))
  return {
    context: wanted.context,
    resourceType: types.find((type) => type !== '*') ?? '*',
    interactions,
    version1: wanted.version1,
    ...(query === undefined ? {} : { query })
  }
}

function bothQueries(held: Read, wanted: Read): string | undefined {
  const [{ query: ofHeld }, { query: ofWanted }] = [held.scope, wanted.scope]
  if (filterCovers(held, wanted)) return ofWanted
  return filterCovers(wanted, held) ? ofHeld : `${ofWanted}&${ofHeld}`
}

function filterCovers(held: Read, wanted: Read): boolean {
  if (held.scope.query === undefined || held.scope.query === wanted.scope.query) return true
  const [one, other] = [held.filter(), wanted.filter()]
  return one !== undefined && other !== undefined && letsThrough(one, other)
}
