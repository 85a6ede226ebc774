/**
 * Why an app was given what it was given: for each scope that it asked for whether it is granted, narrowed, or dropped, and
 * at whose word. Worked out after the fact from the same rules (scope-policy.ts); nothing is decided here.
 */
import type { FhirServer } from '../config/config.ts'
import { parseLaunchScope } from '../smart-scopes/launch-scope.ts'
import { coveredAmong, parseResourceScope } from '../smart-scopes/resource-scope.ts'
import { parseSearchFilter } from '../smart-scopes/search-filter.ts'
import { isContextScope, LASTING_SCOPES, permittedScopes } from './scope-policy.ts'

/** Fixed words, for the audit trail and the app's developer. */
export type Why =
  | 'not-a-scope-here'
  | 'for-backend-services-only'
  | 'not-registered-for-this-app'
  | 'search-parameter-not-enforced-by-the-fhir-server'
  | 'needs-openid'
  | 'not-open-to-this-person'
  | 'context-not-offered'
  | 'refused-by-the-person'

export interface DroppedScope {
  scope: string
  why: Why
  /** Where less was granted instead: what. */
  narrowedTo?: string[]
}

interface Stages {
  asked: readonly string[]
  /** The client's registration. */
  registered: readonly string[]
  enforces: FhirServer['enforces']
  /** What registration, FHIR server, person and relationship leave; undefined where it did not come so far. */
  permitted?: readonly string[] | undefined
  granted?: readonly string[] | undefined
}

/** What was asked for and not granted as it was asked for, in the order asked for. */
export function droppedScopes({ asked, registered, enforces, permitted, granted }: Stages): DroppedScope[] {
  const given = new Set(granted)
  const parts = (granted ?? []).flatMap((text) => {
    const scope = parseResourceScope(text)
    return scope ? [{ ...scope, text }] : []
  })
  const partsIn = coveredAmong(parts)
  return [...new Set(asked)].flatMap((scope): DroppedScope[] => {
    if (given.has(scope)) return []
    const why = whyNotAtAll(scope, { asked, registered, enforces }) ?? whyNotHere(scope, permitted)
    const whole = parseResourceScope(scope)
    const narrowedTo = whole ? partsIn(whole).map(({ text }) => text) : []
    return why ? [{ scope, why, ...(narrowedTo.length > 0 ? { narrowedTo } : {}) }] : []
  })
}

/** One line for the developer of an app: the first few, and how many more. */
export function describeDropped(dropped: readonly DroppedScope[]): string {
  const told = dropped.slice(0, MOST_TOLD).map(({ scope, why }) => `${shortened(scope)} (${why.replaceAll('-', ' ')})`)
  const more = dropped.length - told.length
  return [...told, ...(more > 0 ? [`${more} more`] : [])].join(', ')
}

const MOST_TOLD = 5
/** It is said in a redirect: many proxies pass on no header of more than a few KiB. */
const LONGEST_TOLD = 200

const shortened = (scope: string): string => (scope.length > LONGEST_TOLD ? `${scope.slice(0, LONGEST_TOLD)}...` : scope)

/** What no person could be asked about, whoever signs in. */
function whyNotAtAll(scope: string, { asked, registered, enforces }: Stages): Why | undefined {
  // Claims count only beside openid: that is a reason of its own.
  const beside = asked.includes('openid') ? [scope, 'openid'] : [scope]
  if (permittedScopes(beside, registered, 'person', enforces).includes(scope)) return undefined
  const wanted = parseResourceScope(scope)
  if (!wanted) {
    if (!isContextScope(scope) && !LASTING_SCOPES.some((one) => one === scope)) return 'not-a-scope-here'
    return permittedScopes([scope, 'openid'], [...registered, 'openid'], 'person').includes(scope)
      ? 'needs-openid'
      : 'not-registered-for-this-app'
  }
  if (wanted.context === 'system') return 'for-backend-services-only'
  const parameters = (parseSearchFilter(wanted.query ?? '') ?? []).map(({ name }) => `*.${name}`)
  return permittedScopes([scope], registered, 'person', { ...enforces, parameters }).includes(scope)
    ? 'search-parameter-not-enforced-by-the-fhir-server'
    : 'not-registered-for-this-app'
}

function whyNotHere(scope: string, permitted: readonly string[] | undefined): Why | undefined {
  if (permitted === undefined) return undefined
  if (permitted.includes(scope)) return 'refused-by-the-person'
  return parseLaunchScope(scope) ? 'context-not-offered' : 'not-open-to-this-person'
}
