/**
 * What the organization has decided for its clinicians: an app that it has approved for their work is theirs to
 * use, and nobody is asked at each launch. Whose record is opened, and what the app may ask for at all, is decided
 * elsewhere; a patient is always asked.
 */
import type { Context } from 'koa'
import type { AuditTrail } from '../audit/trail.ts'
import type { Authorization } from '../smart/authorization.ts'
import { sourceOf } from '../web/request.ts'
import type { Consent, ConsentKey, Consents } from './consents.ts'
import { type OpenDecision, switchesOf } from './decision.ts'

interface Deps {
  consents: Consents
  audit: AuditTrail
}

export function isApproved({ account, client }: Pick<Authorization, 'account' | 'client'>): boolean {
  return account.role === 'clinician' && client.approved_for_clinicians
}

/** Where it is kept what came of the approval, beside what the person themselves has decided. */
export function approvalOf(key: ConsentKey): ConsentKey {
  return { ...key, by: 'organization' }
}

/** Remembers all that the app asks for as granted, and says in the trail who granted it. */
export function approveByOrganization({
  consents,
  audit
}: Deps): (ctx: Context, about: Authorization, decision: OpenDecision) => Promise<Consent> {
  return (ctx, { account, client, fhirServer, patient }, decision) => {
    const granted = [...decision.told, ...switchesOf(decision)]
    const person = patient.state === 'settled' ? { patient: patient.id } : {}
    return consents.decide(
      approvalOf(decision.key),
      { clientName: client.client_name, granted, refused: [], until: 'as-before' },
      (consentId) =>
        audit.record(sourceOf(ctx), {
          type: 'consent',
          outcome: 'granted',
          reason: 'approved-by-organization',
          accountId: account.sub,
          clientId: client.client_id,
          fhirServer: fhirServer.id,
          ...person,
          scopes: granted,
          notGranted: [],
          consentId
        })
    )
  }
}
