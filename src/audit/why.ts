/**
 * The answer to "why may this app see that, and why not this?": from the id of any request or Grant to the authorization behind
 * it, told scope by scope. Reads the whole trail: a command, nothing that a request waits for.
 */
import type { Store } from '../store/store.ts'
import type { AuditEvent, AuditRecord } from './event.ts'
import { readAudit } from './read.ts'

type Authorization = AuditRecord & { event: Extract<AuditEvent, { type: 'authorization' }> }

/** The authorizations that a request or a Grant belongs to, oldest first. */
export async function findAuthorizations(store: Store, id: string): Promise<Authorization[]> {
  const grants = new Set([id])
  for await (const { source, event } of readAudit(store)) {
    if (source.requestId === id && 'grantId' in event && event.grantId !== undefined) grants.add(event.grantId)
  }
  const found: Authorization[] = []
  for await (const record of readAudit(store)) {
    const { source, event } = record
    if (event.type !== 'authorization') continue
    if (source.requestId === id || (event.grantId !== undefined && grants.has(event.grantId))) found.push({ ...record, event })
  }
  return found
}

/** In lines, for an operator. */
export function tellAuthorization({ time, source, event }: Authorization): string[] {
  const { outcome, reason, clientId, accountId, fhirServer, patient, grantId, scopes = [], dropped = [] } = event
  const parties = {
    app: clientId,
    account: accountId,
    'FHIR server': fhirServer,
    patient,
    grant: grantId,
    request: source.requestId
  }
  return [
    `${time} authorization ${outcome}${reason ? `: ${reason}` : ''}`,
    ...Object.entries(parties).flatMap(([name, value]) => (value === undefined ? [] : [`  ${name}: ${value}`])),
    `  asked for: ${(event.asked ?? scopes).join(' ')}`,
    `  granted: ${scopes.join(' ') || 'nothing'}`,
    ...dropped.map(({ scope, why, narrowedTo = [] }) => {
      const instead = narrowedTo.length > 0 ? `; instead: ${narrowedTo.join(' ')}` : ''
      return `  not as asked: ${scope} (${why.replaceAll('-', ' ')}${instead})`
    })
  ]
}
