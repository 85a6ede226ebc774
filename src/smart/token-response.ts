/**
 * What a token response says besides OAuth's own members: the context of the
 * launch, of which introspection says the same. Nobody asks for it twice: a refresh repeats it.
 * SMART App Launch 2.2, "Launch context arrives with your access_token"
 */
import { askedFor } from './asked-context.ts'
import type { LaunchContext } from './launch-context.ts'
import { needsPatient } from './scope-policy.ts'

/** The members of the launch context for which the app holds the scope. */
export function contextMembers(context: LaunchContext | undefined, scopes: readonly string[]): LaunchContext {
  if (!context) return {}
  // What an EHR said is for an app that it launched.
  if (scopes.includes('launch')) return context
  const { patient, encounter, fhirContext } = context
  return {
    ...(patient !== undefined && needsPatient(scopes) ? { patient } : {}),
    ...(encounter !== undefined || fhirContext !== undefined ? askedFor(context, scopes) : {})
  }
}
