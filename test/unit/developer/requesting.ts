/** An app that asks for production, on a store and at a time of its own, and what its operator sees and is told. */
import { vi } from 'vitest'
import { readAudit } from '../../../src/audit/read.ts'
import { type AuditTrail, openAuditTrail } from '../../../src/audit/trail.ts'
import { createStoredClients, type StoredClients } from '../../../src/clients/stored-clients.ts'
import { nameOf } from '../../../src/developer/commands.ts'
import { type AppMetadata, readMetadata } from '../../../src/developer/metadata.ts'
import { newRequest } from '../../../src/developer/production.ts'
import { createRegistration, type Registration } from '../../../src/developer/registration.ts'
import type { Store } from '../../../src/store/store.ts'
import { openOn } from '../../store/engine.ts'

export const FRIDAY = Date.parse('2026-05-01T16:00:00Z')
export const ID = 'app-AAAAAAAAAAAAAAAAAAAAAA'

export interface Requesting {
  time: number
  now: () => number
  store: Store
  stored: StoredClients
  printed: string[]
  withAuditTrail(on: Store, work: (audit: AuditTrail) => Promise<void>): Promise<void>
  deps(): {
    store: Store
    config: { registration: { enabled: boolean; perDay: number } }
    withAuditTrail: Requesting['withAuditTrail']
    usernameOf(accountId: string): Promise<string | undefined>
    now: () => number
  }
  register(): Promise<{ registration: Registration; token: string; metadata: AppMetadata }>
  /** Registers, and asks. */
  ask(): Promise<{ registration: Registration; token: string; metadata: AppMetadata }>
  /** What is asked now, by its name. */
  request(): Promise<string>
  /** Of what the audit trail says of registrations. */
  outcomes(): Promise<string[]>
  reasons(): Promise<(string | undefined)[]>
}

export async function newRequesting(): Promise<Requesting> {
  let time = FRIDAY
  const now = () => time
  const store = await openOn('sqlite::memory:', now)
  const stored = createStoredClients({ store, now })
  const withAuditTrail: Requesting['withAuditTrail'] = async (on, work) => {
    const audit = await openAuditTrail({ store: on, now })
    await work(audit)
    await audit.close()
  }
  async function events() {
    const all: { outcome: string; reason?: string }[] = []
    for await (const { event } of readAudit(store)) if (event.type === 'registration') all.push(event)
    return all
  }
  const place: Requesting = {
    get time() {
      return time
    },
    set time(moved) {
      time = moved
    },
    now,
    store,
    stored,
    printed: [],
    withAuditTrail,
    deps: () => ({
      store,
      config: { registration: { enabled: true, perDay: 1 } },
      withAuditTrail,
      usernameOf: async () => undefined,
      now
    }),
    async register() {
      const registration = createRegistration({ stored, now })
      const said = { client_name: 'Sleep Diary', redirect_uris: ['https://sleep.example/cb'], token_endpoint_auth_method: 'none' }
      const scope = 'openid patient/Observation.rs'
      const scope_reasons = { 'patient/Observation.rs': 'Shows how you slept.' }
      const more = { scope, scope_reasons, privacy_answers: { sells: 'no' } }
      const metadata = readMetadata({ ...said, ...more }, { clientId: ID, allowedHosts: [] })
      if ('error' in metadata) throw new Error(metadata.description)
      const { told } = await registration.create(metadata)
      return { registration, token: told.registrationToken, metadata }
    },
    async ask() {
      const { registration, token, metadata } = await place.register()
      const used = await registration.use(ID, token, (one) => ({ ...one, production: newRequest(place.time) }))
      return { registration, token: used?.told.registrationToken ?? '', metadata }
    },
    async request() {
      const found = await stored.read(ID)
      if (!found) throw new Error('it is not registered')
      return nameOf(found)
    },
    outcomes: async () => (await events()).map(({ outcome }) => outcome),
    reasons: async () => (await events()).map(({ reason }) => reason)
  }
  vi.spyOn(console, 'log').mockImplementation((line: string) => void place.printed.push(line))
  vi.spyOn(console, 'error').mockImplementation((line: string) => void place.printed.push(line))
  return place
}
