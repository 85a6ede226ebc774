/**
 * The grammar of `launch/<type>` and `launch/<type>?role=<role>`, with which an
 * app asks for a context, and nothing else. `launch` alone is no such scope: it
 * says that an EHR has a context already.
 *
 * SMART App Launch 2.2, "Requesting context with scopes"
 */
export interface LaunchScope {
  /** A FHIR resource type in lower case. */
  resourceType: string
  role?: string
}

const SYNTAX = /^launch\/([a-z]+)(?:\?role=([\x21\x23-\x25\x27-\x3c\x3e-\x5b\x5d-\x7e]+))?$/

/** The context that a string asks for; undefined where it asks for none, or for one in two roles. */
export function parseLaunchScope(scope: string): LaunchScope | undefined {
  const match = SYNTAX.exec(scope)
  if (!match?.[1]) return undefined
  const [, resourceType, role] = match
  return { resourceType, ...(role === undefined ? {} : { role }) }
}

/** Whether an app that may ask for `held` may ask for `wanted`: without a role, any role of that type. */
export function coversLaunch(held: LaunchScope, wanted: LaunchScope): boolean {
  return held.resourceType === wanted.resourceType && (held.role === undefined || held.role === wanted.role)
}
