/**
 * The answer to "why may this app see that, and why not this?": from the id of any request or Grant to the authorization behind
 * it, told scope by scope. Reads the whole trail: a command, nothing that a request waits for.
 */
import type { Store } from '../store/store.ts'
import type { AuditEvent, AuditRecord } from './event.ts'
import { readAudit } from './read.ts'

type Authorization = AuditRecord & { event: Extract<AuditEvent, { type: 'authorization' }> }

interface Found {
  /** Those that the request or the Grant belongs to. */
  authorizations: Authorization[]
  /** What else was decided in that request: the id that a page shows to whoever calls. */
  others: AuditRecord[]
}

/** Of a request's id or a Grant's, oldest first. */
export async function findDecisions(store: Store, id: string): Promise<Found> {
  const grants = new Set([id])
  const found: Found = { authorizations: [], others: [] }
  for await (const record of readAudit(store)) {
    const { source, event } = record
    if (source.requestId !== id) continue
    if ('grantId' in event && event.grantId !== undefined) grants.add(event.grantId)
    if (event.type !== 'authorization') found.others.push(record)
  }
  for await (const record of readAudit(store)) {
    const { source, event } = record
    if (event.type !== 'authorization') continue
    if (source.requestId === id || (event.grantId !== undefined && grants.has(event.grantId)))
      found.authorizations.push({ ...record, event })
  }
  return found
}

/** In lines, for an operator: every member of what was decided, by the name that the trail gives it. */
export function tellRecord({ time, source, event }: AuditRecord): string[] {
  const { type, outcome, ...members } = event
  const named = Object.entries({ ...members, request: source.requestId })
  return [`${time} ${type} ${outcome}`, ...named.map(([name, value]: [string, unknown]) => `  ${name}: ${textOf(value)}`)]
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

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
