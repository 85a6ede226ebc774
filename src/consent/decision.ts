/**
 * What there is to decide in one authorization, and how much of it has been
 * decided already. The page and the Grant are both made from this, so that they
 * can't differ.
 */
import type { Authorization } from '../smart/authorization.ts'
import { isContextScope } from '../smart/scope-policy.ts'
import { type Choice, choicesFor } from './choices.ts'
import type { Consent, ConsentKey } from './consents.ts'
import type { KindOfData } from './kinds.ts'

/** Settled by the request alone, told on the page as text: who signs in, in what context, and staying while the session lasts. */
function isTold(scope: string): boolean {
  return isContextScope(scope) || scope === 'online_access'
}

export interface OpenDecision {
  key: ConsentKey
  /** Granted with the decision, without a switch. */
  told: string[]
  choices: Choice[]
  /** Whether the app asks to come back while the person is away: a switch of its own. */
  asksOffline: boolean
}

export function openDecision(about: Authorization, kinds: readonly KindOfData[]): OpenDecision {
  const { account, client, fhirServer, patient, scopes } = about
  const byPatient = account.role === 'patient'
  return {
    key: {
      accountId: account.sub,
      clientId: client.client_id,
      fhirServer: fhirServer.id,
      // A clinician decides about the app, a patient about one person's record.
      ...(byPatient && patient.state === 'settled' ? { patient: patient.id } : {})
    },
    told: scopes.filter(isTold),
    choices: choicesFor({
      scopes,
      decides: byPatient ? 'patient' : 'clinician',
      kinds,
      categoriesOf: fhirServer.enforces.categories
    }),
    asksOffline: scopes.includes('offline_access')
  }
}

/** The scopes that have a switch on the page. */
export function switchesOf({ choices, asksOffline }: OpenDecision): string[] {
  return [...choices.map((choice) => choice.scope), ...(asksOffline ? ['offline_access'] : [])]
}

/** What a consent says of a decision: every scope that it grants, and whether anything is still open. */
export function decidedBy(decision: OpenDecision, consent: Consent | undefined): { settled: boolean; granted: string[] } {
  if (!consent) return { settled: false, granted: [] }
  const asked = [...decision.told, ...switchesOf(decision)]
  const granted = new Set(consent.granted)
  const refused = new Set(consent.refused)
  return {
    settled: asked.every((scope) => granted.has(scope) || refused.has(scope)),
    granted: asked.filter((scope) => granted.has(scope))
  }
}
