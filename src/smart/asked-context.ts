/**
 * What an app that nobody launched asks to know besides the patient: a visit, or
 * a record of another type, of which the person picks one. Which of those scopes Keyward can answer,
 * and what becomes of a pick.
 *
 * SMART App Launch 2.2, "Requesting context with scopes", "fhirContext"
 */
import { RECORD_TYPES } from '../fhir/found-record.ts'
import { type LaunchScope, parseLaunchScope } from '../smart-scopes/launch-scope.ts'
import type { LaunchContext } from './launch-context.ts'

export interface AskedRecord {
  resourceType: string
  /** An absolute URI; absent: the one that the app is launched about. */
  role?: string
}

export interface PickedRecord extends AskedRecord {
  /** Its logical id. */
  id: string
}

const BY_LAUNCH_NAME = new Map(RECORD_TYPES.map((type) => [type.toLowerCase(), type]))
/** As apps ask for them. */
export const offeredContexts: readonly string[] = [...BY_LAUNCH_NAME.keys()].map((name) => `launch/${name}`)

/** Each is a page: more, no person goes through. */
const MOST_ASKED = 5
const LAUNCH_ROLE = 'launch'
/** RFC 3986 §4.3 */
const ABSOLUTE_URI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`]+$/

/** Each once, in the order asked for. */
export function askedRecords(scopes: readonly string[]): AskedRecord[] {
  const asked = scopes.flatMap((scope) => recordOf(scope) ?? [])
  return asked.filter((one, at) => asked.findIndex((other) => isSame(one, other)) === at).slice(0, MOST_ASKED)
}

/** Without those that ask for a context of which none of `offered` is. */
export function withoutOtherContexts(scopes: readonly string[], offered: readonly AskedRecord[]): string[] {
  return scopes.filter((scope) => {
    if (scope === 'launch/patient' || parseLaunchScope(scope) === undefined) return true
    const record = recordOf(scope)
    return record !== undefined && offered.some((one) => isSame(one, record))
  })
}

export function isSame(one: AskedRecord, other: AskedRecord): boolean {
  return one.resourceType === other.resourceType && one.role === other.role
}

/** Visits have a member of their own, unless they are there in another role. */
export function contextOfPicks(picks: readonly PickedRecord[]): Pick<LaunchContext, 'encounter' | 'fhirContext'> {
  const encounter = picks.find(isEncounter)?.id
  const fhirContext = picks
    .filter((pick) => !isEncounter(pick))
    .map(({ resourceType, id, role }) => ({ reference: `${resourceType}/${id}`, ...(role === undefined ? {} : { role }) }))
  return { ...(encounter === undefined ? {} : { encounter }), ...(fhirContext.length > 0 ? { fhirContext } : {}) }
}

/** Of a context, what these scopes ask for by type and role. */
export function askedFor(context: Pick<LaunchContext, 'encounter' | 'fhirContext'>, scopes: readonly string[]): typeof context {
  const { encounter, fhirContext } = context
  const asked = scopes.flatMap((scope) => recordOf(scope) ?? [])
  const found = (fhirContext ?? []).filter(({ reference, role }) =>
    asked.some((one) => one.resourceType === reference?.split('/')[0] && one.role === (role === LAUNCH_ROLE ? undefined : role))
  )
  return {
    ...(encounter !== undefined && asked.some(isEncounter) ? { encounter } : {}),
    ...(found.length > 0 ? { fhirContext: found } : {})
  }
}

const isEncounter = ({ resourceType, role }: AskedRecord) => resourceType === 'Encounter' && role === undefined

function recordOf(scope: string): AskedRecord | undefined {
  const asked = parseLaunchScope(scope)
  const resourceType = asked && BY_LAUNCH_NAME.get(asked.resourceType)
  if (!asked || !resourceType) return undefined
  const role = roleOf(asked)
  return { resourceType, ...(role === undefined ? {} : { role }) }
}

/** A role that is none is left out: the app gets the context of the type. */
function roleOf({ role }: LaunchScope): string | undefined {
  if (role === undefined || role === LAUNCH_ROLE) return undefined
  try {
    const decoded = decodeURIComponent(role)
    return ABSOLUTE_URI.test(decoded) && decoded.length <= 1024 ? decoded : undefined
  } catch {
    return undefined
  }
}
