/** What the audit trail has to hold of one decision, and whose account it is about. */
import { expect } from 'vitest'
import type { AuditEvent } from '../../src/audit/event.ts'
import type { Keyward } from './keyward.ts'

export const HEART = { clientId: 'heart-app', fhirServer: 'clinic' }
export const LEO = { ...HEART, patient: 'leo' }
export const GRANT_ID: unknown = expect.stringMatching(/^[\w-]{8}\.[\w-]{22}$/)
export const DECIDED: unknown = expect.arrayContaining(['patient/Patient.rs', 'offline_access'])

/** What is being decided, the request that decides it, and the one event that it leaves. */
export type Decision = [
  string,
  () => Promise<Response>,
  () => { type: AuditEvent['type']; outcome: string; [member: string]: unknown }
]

/** Exactly one record under the id that the answer carried, with its time in UTC and where it came from. */
export async function expectOneRecord(keyward: Keyward, [, decide, expected]: Decision): Promise<void> {
  const began = Date.now()
  const answer = await decide()
  const requestId = answer.headers.get('x-request-id')
  expect(requestId).toMatch(/^[\da-f-]{36}$/)
  const records = (await keyward.audit()).filter(({ source }) => source.requestId === requestId)
  expect(records.map(({ event }) => event)).toEqual([expected()])
  const [record] = records
  expect(record?.source).toEqual({ requestId, address: '127.0.0.1' })
  expect(record?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  expect(Date.parse(record?.time ?? '')).toBeGreaterThanOrEqual(began)
  expect(Date.parse(record?.time ?? '')).toBeLessThanOrEqual(Date.now())
}

export async function subOf({ store }: Keyward, username: string): Promise<string> {
  const found = await store.get<{ sub: string }>({ name: 'username', guessable: true }, username)
  if (!found) throw new Error(`there is no account ${username}`)
  return found.sub
}
