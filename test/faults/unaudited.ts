/**
 * What two replicas have done, read in their store by somebody who is neither: whatever was made or ended is in the audit
 * trail, since each record is written before what it tells of.
 */
import { expect } from 'vitest'
import type { AuditEvent, ChainEvent } from '../../src/audit/event.ts'
import { readAudit } from '../../src/audit/read.ts'
import type { Kind, Store } from '../../src/store/store.ts'

type Event = AuditEvent | ChainEvent

export async function eventsIn(store: Store): Promise<Event[]> {
  const events: Event[] = []
  for await (const { event } of readAudit(store)) events.push(event)
  return events
}

async function all<T>(store: Store, kind: Kind<T>): Promise<T[]> {
  const found: T[] = []
  let after: string | undefined
  do {
    const page = await store.walk(kind, { limit: 200, ...(after === undefined ? {} : { after }) })
    found.push(...page.records)
    after = page.next
  } while (after !== undefined)
  return found
}

interface Enrolled {
  sub: string
  username: string
  totp?: { confirmed: boolean }
}

/** `configured`: whose second factor came with the configuration. */
export async function expectAllAudited(store: Store, configured: ReadonlySet<string>): Promise<void> {
  const clients = await all<{ client: { client_id: string } }>(store, { name: 'registered-client', guessable: true })
  const launches = await all<{ ehr: string }>(store, { name: 'launch' })
  const accounts = await all<Enrolled>(store, { name: 'account' })
  // Read last: what is done meanwhile is in it all the same.
  const events = await eventsIn(store)
  expect(events.length).toBeGreaterThan(0)
  const told = (type: Event['type'], outcome: string) =>
    events.filter((event) => event.type === type && event.outcome === outcome)
  const registered = new Set(told('registration', 'registered').map((event) => ('clientId' in event ? event.clientId : '')))
  expect(clients.map(({ client }) => client.client_id).filter((id) => !registered.has(id))).toEqual([])
  expect(told('launch', 'created').length).toBeGreaterThanOrEqual(launches.length)
  const enrolled = new Set(
    told('second-factor-enrolment', 'accepted').map((event) => ('accountId' in event ? event.accountId : ''))
  )
  const confirmed = accounts.filter(({ totp, username }) => totp?.confirmed && !configured.has(username))
  expect(confirmed.filter(({ sub }) => !enrolled.has(sub)).map(({ username }) => username)).toEqual([])
}
