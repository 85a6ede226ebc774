/**
 * Which of the scopes that an app asks for it may be granted at all: what its
 * registration covers and the FHIR server enforces, for a person (never system/)
 * or for itself (nothing else). What the person then allows is decided at the
 * consent page. Scopes are dropped or narrowed here, and never widened.
 */
import type { FhirServer } from '../config/config.ts'
import { coversLaunch, parseLaunchScope } from '../smart-scopes/launch-scope.ts'
import {
  coverage,
  coveredBy,
  covers,
  inCommon,
  parseResourceScope,
  printResourceScope,
  type ResourceScope
} from '../smart-scopes/resource-scope.ts'
import { parseSearchFilter } from '../smart-scopes/search-filter.ts'

/** Scopes that say who signs in and in what context, not what may be read. SMART App Launch 2.2, "Scopes and Launch Context". */
export const CONTEXT_SCOPES = ['openid', 'fhirUser', 'profile', 'launch', 'launch/patient', 'launch/encounter'] as const
export const LASTING_SCOPES = ['offline_access', 'online_access'] as const

const NAMED: ReadonlySet<string> = new Set([...CONTEXT_SCOPES, ...LASTING_SCOPES])
/** Claims of the id_token, which only `openid` asks for. SMART App Launch 2.2, "Scopes for requesting identity data" */
const CLAIMS: ReadonlySet<string> = new Set(['fhirUser', 'profile'])

/** For whom a token is made: a person who signs in, or a backend service as itself. */
export type Holder = 'person' | 'system'

type Enforcement = Partial<FhirServer['enforces']>

/**
 * The scopes of a request that a client's registration covers, as they were written and in the order asked for; the others
 * are dropped. Without a word on what the FHIR server enforces, no search parameter counts as enforced.
 */
export function permittedScopes(
  requested: readonly string[],
  registered: readonly string[],
  holder: Holder,
  enforces: Enforcement = {}
): string[] {
  const isCovered = coverage(resourceScopes(registered))
  const permitted = [...new Set(requested)].filter((scope) => {
    const wanted = parseResourceScope(scope)
    if (!wanted) return holder === 'person' && isRegistered(scope, registered)
    return (wanted.context === 'system') === (holder === 'system') && isEnforced(wanted, enforces) && isCovered(wanted)
  })
  return permitted.filter((scope) => !CLAIMS.has(scope) || permitted.includes('openid'))
}

/**
 * What a policy leaves of scopes: of a FHIR resource scope, what both have in common; the others as they are. Undefined is a
 * policy that says nothing. Narrowed scopes are in version 2 wherever version 1 can't say them, and a search parameter of the
 * policy narrows nothing where the FHIR server doesn't enforce it: then nothing is left.
 */
export function within(policy: readonly string[] | undefined, scopes: readonly string[], enforces: Enforcement = {}): string[] {
  if (policy === undefined) return [...scopes]
  const held = resourceScopes(policy)
  return [...new Set(scopes.flatMap((scope) => narrowed(scope, held, enforces)))]
}

function narrowed(scope: string, held: readonly ResourceScope[], enforces: Enforcement): string[] {
  const wanted = parseResourceScope(scope)
  if (!wanted || coveredBy(held, wanted)) return [scope]
  const parts: ResourceScope[] = []
  for (const part of held.flatMap((one) => inCommon(one, wanted) ?? []))
    if (isEnforced(part, enforces) && !coveredBy(parts, part))
      parts.splice(0, parts.length, ...parts.filter((other) => !covers(part, other)), part)
  return parts.map(printResourceScope)
}

function isRegistered(scope: string, registered: readonly string[]): boolean {
  if (NAMED.has(scope)) return registered.includes(scope)
  const wanted = parseLaunchScope(scope)
  return wanted !== undefined && registered.flatMap((one) => parseLaunchScope(one) ?? []).some((one) => coversLaunch(one, wanted))
}

/** A search parameter that the FHIR server would overlook makes a scope as wide as without it: it is not given at all. */
function isEnforced({ resourceType, query }: ResourceScope, { categories = [], parameters = [] }: Enforcement): boolean {
  if (query === undefined) return true
  return (parseSearchFilter(query) ?? []).every(
    ({ name }) =>
      parameters.includes(`${resourceType}.${name}`) ||
      parameters.includes(`*.${name}`) ||
      (name === 'category' && categories.includes(resourceType))
  )
}

function resourceScopes(scopes: readonly string[]): ResourceScope[] {
  return scopes.flatMap((scope) => parseResourceScope(scope) ?? [])
}

/** What is left of a token's scopes once the person's present consent, the client's present registration and the FHIR server are asked. */
export function stillPermitted(
  scopes: readonly string[],
  granted: readonly string[],
  registered: readonly string[],
  enforces: Enforcement = {}
): string[] {
  return coveredScopes(permittedScopes(scopes, registered, 'person', enforces), granted)
}

/** Of some scopes, those that others give: the same, or a wider one of a resource. A refreshed token may ask for less than was granted. */
export function coveredScopes(wanted: readonly string[], held: readonly string[]): string[] {
  const same = new Set(held)
  const isCovered = coverage(resourceScopes(held))
  return [...new Set(wanted)].filter((scope) => {
    if (same.has(scope)) return true
    const one = parseResourceScope(scope)
    return one !== undefined && isCovered(one)
  })
}

/** Whether a scope says who signs in or in what context, so that it is told rather than asked. */
export function isContextScope(scope: string): boolean {
  return CONTEXT_SCOPES.some((one) => one === scope) || parseLaunchScope(scope) !== undefined
}

/** Whether a set of scopes speaks of one patient, so that one has to be in context. */
export function needsPatient(scopes: readonly string[]): boolean {
  return scopes.some((scope) => scope === 'launch/patient' || scope.startsWith('patient/'))
}

/** Whether a set of scopes gives a refresh token. SMART App Launch 2.2, "Scopes for requesting a refresh token" */
export function lasts(scopes: readonly string[]): boolean {
  return LASTING_SCOPES.some((scope) => scopes.includes(scope))
}

/** The parts of an RFC 6749 scope string. */
export function splitScope(scope: string | undefined): string[] {
  return scope ? scope.split(' ').filter(Boolean) : []
}
