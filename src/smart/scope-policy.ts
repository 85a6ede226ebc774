/**
 * Which of the scopes that an app asks for it may be granted at all: what its
 * registration covers, for a person (never system/) or for itself (nothing
 * else). What the person then allows is decided at the consent page. Nothing
 * here widens.
 */
import { covers, parseResourceScope } from '../smart-scopes/resource-scope.ts'

/** Scopes that say who signs in and in what context, not what may be read. SMART App Launch 2.2, "Scopes and Launch Context". */
export const CONTEXT_SCOPES = ['openid', 'fhirUser', 'profile', 'launch', 'launch/patient', 'launch/encounter'] as const
export const LASTING_SCOPES = ['offline_access', 'online_access'] as const

const NAMED: ReadonlySet<string> = new Set([...CONTEXT_SCOPES, ...LASTING_SCOPES])

/** For whom a token is made: a person who signs in, or a backend service as itself. */
export type Holder = 'person' | 'system'

/** The scopes of a request that a client's registration covers, in the order asked for; the others are dropped. */
export function permittedScopes(
  requested: readonly string[],
  registered: readonly string[],
  holder: Holder = 'person'
): string[] {
  const held = registered.flatMap((scope) => parseResourceScope(scope) ?? [])
  return [...new Set(requested)].filter((scope) => {
    if (NAMED.has(scope)) return holder === 'person' && registered.includes(scope)
    const wanted = parseResourceScope(scope)
    if (!wanted || (wanted.context === 'system') !== (holder === 'system')) return false
    return held.some((one) => covers(one, wanted))
  })
}

/** What is left of a token's scopes once the person's present consent and the client's present registration are applied. */
export function stillPermitted(scopes: readonly string[], granted: readonly string[], registered: readonly string[]): string[] {
  const consented = new Set(granted)
  return permittedScopes(scopes, registered).filter((scope) => consented.has(scope))
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
