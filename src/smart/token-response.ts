/**
 * What a token response says besides OAuth's own members: the context of the
 * launch. SMART App Launch 2.2, "Launch context arrives with your access_token"
 */
import { needsPatient } from './scope-policy.ts'

interface LaunchContext {
  patient?: string
  encounter?: string
}

/** The members of the launch context for which the app holds the scope. */
export function contextMembers(context: LaunchContext | undefined, scopes: readonly string[]): LaunchContext {
  if (!context) return {}
  const { patient, encounter } = context
  const inEhr = scopes.includes('launch')
  return {
    ...(patient !== undefined && (inEhr || needsPatient(scopes)) ? { patient } : {}),
    ...(encounter !== undefined && (inEhr || scopes.includes('launch/encounter')) ? { encounter } : {})
  }
}
