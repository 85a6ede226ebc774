/** Requests for production: the clock of 45 CFR 170.404(b)(1), and who is told when it has run out. */
import { beforeEach, expect, test, vi } from 'vitest'
import { readAudit } from '../../../src/audit/read.ts'
import { type AuditTrail, openAuditTrail } from '../../../src/audit/trail.ts'
import { createClients } from '../../../src/clients/clients.ts'
import { createStoredClients, KEPT_UNUSED } from '../../../src/clients/stored-clients.ts'
import { approveCommand, declineCommand, inviteCommand, nameOf, requestsCommand } from '../../../src/developer/commands.ts'
import { createInvites } from '../../../src/developer/invites.ts'
import { readMetadata } from '../../../src/developer/metadata.ts'
import { afterBusinessDays, newRequest, watchRequests } from '../../../src/developer/production.ts'
import { createRegistration } from '../../../src/developer/registration.ts'
import { createLogger } from '../../../src/observability/logger.ts'
import type { Store } from '../../../src/store/store.ts'
import { openOn } from '../../store/engine.ts'

const FRIDAY = Date.parse('2026-05-01T16:00:00Z')
const ID = 'app-AAAAAAAAAAAAAAAAAAAAAA'

let time: number
const now = () => time
let store: Store
let printed: string[]
beforeEach(async () => {
  time = FRIDAY
  store = await openOn('sqlite::memory:', now)
  printed = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line))
  vi.spyOn(console, 'error').mockImplementation((line: string) => void printed.push(line))
})

async function withAuditTrail(on: Store, work: (audit: AuditTrail) => Promise<void>): Promise<void> {
  const audit = await openAuditTrail({ store: on, now })
  await work(audit)
  await audit.close()
}
const deps = () => ({ store, config: { registration: { enabled: true, perDay: 1 } }, withAuditTrail, now })

async function asking() {
  const stored = createStoredClients({ store, now })
  const registration = createRegistration({ stored, now })
  const said = { client_name: 'Sleep Diary', redirect_uris: ['https://sleep.example/cb'], token_endpoint_auth_method: 'none' }
  const scope = 'openid patient/Observation.rs'
  const more = { scope, scope_reasons: { 'patient/Observation.rs': 'Shows how you slept.' } }
  const metadata = readMetadata({ ...said, ...more }, { clientId: ID, allowedHosts: [] })
  if ('error' in metadata) throw new Error(metadata.description)
  const { told } = await registration.create(metadata)
  const used = await registration.use(ID, told.registrationToken, (one) => ({ ...one, production: newRequest(time) }))
  return { stored, registration, token: used?.told.registrationToken ?? '', metadata }
}

/** What is asked now, by its name. */
async function request(): Promise<string> {
  const found = await createStoredClients({ store, now }).read(ID)
  if (!found) throw new Error('it is not registered')
  return nameOf(found)
}

async function outcomes(): Promise<string[]> {
  const all: string[] = []
  for await (const { event } of readAudit(store)) if (event.type === 'registration') all.push(event.outcome)
  return all
}

test.each([
  [1, '2026-05-04'],
  [5, '2026-05-08'],
  [10, '2026-05-15']
])('%i business days after a Friday it is %s', (days, date) => {
  expect(new Date(afterBusinessDays(FRIDAY, days)).toISOString().slice(0, 10)).toBe(date)
})

test('SM-304: an operator sees what an app asks for, why, and by when it has to be answered', async () => {
  await asking()
  expect(await requestsCommand(deps())).toBe(0)
  expect(printed.join('\n').split('\n')).toEqual([
    ID,
    `  request: ${await request()}`,
    '  asked: 2026-05-01, verify by 2026-05-15',
    '  name: "Sleep Diary"',
    '  returns to: https://sleep.example/cb',
    '  hosts: sleep.example',
    '  scope openid: no reason given',
    '  scope patient/Observation.rs: Shows how you slept.'
  ])
})

test('a request that nobody answers in ten business days is marked, and told to the log once', async () => {
  const { stored } = await asking()
  time = Date.parse('2026-05-15T15:00:00Z')
  await requestsCommand(deps())
  expect(printed.join('\n')).not.toContain('OVERDUE')
  time = Date.parse('2026-05-15T17:00:00Z')
  await requestsCommand(deps())
  expect(printed.join('\n')).toContain('verify by 2026-05-15, OVERDUE')
  const logger = createLogger({ level: 'silent' })
  const warn = vi.spyOn(logger, 'warn')
  let looks = 0
  const counted = {
    async asking() {
      looks += 1
      return stored.asking()
    }
  }
  const watch = watchRequests({ stored: counted, logger, now, every: 5 })
  await vi.waitFor(() => expect(looks).toBeGreaterThan(3), { timeout: 20_000 })
  watch.close()
  const told = { clientId: ID, due: '2026-05-15T16:00:00.000Z' }
  expect(warn.mock.calls).toEqual([[told, 'a request for production is overdue']])
})

test('approve opens production, marks the app as verified and keeps it for good; it is recorded', async () => {
  const { stored } = await asking()
  expect(await approveCommand(deps(), await request())).toBe(0)
  expect(await stored.find(ID)).not.toHaveProperty('sandbox')
  expect(await stored.find(ID)).toMatchObject({ verified: true, approved_for_clinicians: false })
  expect((await stored.read(ID))?.production).toMatchObject({ state: 'approved', askedAt: FRIDAY, answeredAt: FRIDAY })
  time += 2 * KEPT_UNUSED
  expect(await stored.find(ID)).toBeDefined()
  expect(await outcomes()).toEqual(['production-approved'])
  expect(await approveCommand(deps(), await request())).toBe(1)
  expect(await declineCommand(deps(), ID, 'too late')).toBe(1)
})

test('what was approved is changed by nobody but the operator', async () => {
  const { registration, token, metadata, stored } = await asking()
  await approveCommand(deps(), await request())
  const moved = { ...metadata, client: { ...metadata.client, redirect_uris: ['https://other.example/cb'] } }
  expect(await registration.replace(ID, token, moved)).toBeUndefined()
  expect((await stored.find(ID))?.redirect_uris).toEqual(['https://sleep.example/cb'])
})

test('an app that changes what it is while it asks has to ask again', async () => {
  const { registration, token, metadata, stored } = await asking()
  const moved = { ...metadata, client: { ...metadata.client, redirect_uris: ['https://other.example/cb'] } }
  expect(await registration.replace(ID, token, moved)).toBeDefined()
  expect(await stored.asking()).toEqual([])
  expect(await approveCommand(deps(), await request())).toBe(1)
  expect(await stored.find(ID)).toMatchObject({ sandbox: true, verified: false })
})

test('an app that asks for something else than the operator has looked at is not approved by that', async () => {
  const { registration, token, metadata, stored } = await asking()
  const seen = await request()
  const moved = { ...metadata, client: { ...metadata.client, redirect_uris: ['https://other.example/cb'] } }
  const changed = await registration.replace(ID, token, moved)
  await registration.use(ID, changed?.told.registrationToken ?? '', (one) => ({ ...one, production: newRequest(time) }))
  expect(await approveCommand(deps(), seen)).toBe(1)
  expect(await approveCommand(deps(), ID)).toBe(1)
  expect(await stored.find(ID)).toMatchObject({ sandbox: true, verified: false })
  expect(await outcomes()).toEqual([])
  expect(await approveCommand(deps(), await request())).toBe(0)
})

test('decline needs a reason, which the developer is told; the app stays in the sandbox', async () => {
  const { stored } = await asking()
  expect(await declineCommand(deps(), ID, undefined)).toBe(2)
  expect(await declineCommand(deps(), ID, 'nobody at sleep.example knows this app')).toBe(0)
  expect(await stored.find(ID)).toMatchObject({ sandbox: true, verified: false })
  expect((await stored.read(ID))?.production).toMatchObject({
    state: 'declined',
    reason: 'nobody at sleep.example knows this app'
  })
  expect(await stored.asking()).toEqual([])
  expect(await outcomes()).toEqual(['production-declined'])
})

test('an id that nobody registered, or that asks for nothing, is answered by neither', async () => {
  expect(await approveCommand(deps(), 'nobody')).toBe(1)
  expect(await requestsCommand(deps())).toBe(0)
  expect(printed).toContain('nobody asks for production')
  expect(await outcomes()).toEqual([])
})

test('invite makes a token that registers once, where registration is on', async () => {
  const off = { ...deps(), config: { registration: { enabled: false, perDay: 1 } } }
  expect(await inviteCommand(off)).toBe(1)
  printed = []
  expect(await inviteCommand(deps())).toBe(0)
  const [token = ''] = printed
  const invites = createInvites({ store, fence: { notBefore: () => 0 }, now })
  expect(await invites.spend(token)).toBe(true)
  expect(await invites.spend(token)).toBe(false)
  expect(await outcomes()).toEqual(['invited'])
})

test('an invitation from before the store may have lost something is refused', async () => {
  const { token } = await createInvites({ store, fence: { notBefore: () => 0 }, now }).issue()
  const fenced = createInvites({ store, fence: { notBefore: () => FRIDAY + 1 }, now })
  expect(await fenced.isOpen(token)).toBe(false)
  expect(await fenced.spend(token)).toBe(false)
})

test('an invitation is refused too where the store loses something while it is spent', async () => {
  const { token } = await createInvites({ store, fence: { notBefore: () => 0 }, now }).issue()
  const said = [0, FRIDAY + 1]
  const raised = createInvites({ store, fence: { notBefore: () => said.shift() ?? FRIDAY + 1 }, now })
  expect(await raised.spend(token)).toBe(false)
})

test('case 90: a sandbox client that nobody uses for 90 days is forgotten, one that is used is kept', async () => {
  const { stored } = await asking()
  const clients = createClients({ configured: [], issuer: 'https://auth.example', store, now })
  time += KEPT_UNUSED * 0.6
  const client = await clients.find(ID)
  if (!client) throw new Error('it was forgotten too early')
  await clients.used(client)
  time += KEPT_UNUSED * 0.6
  expect(await stored.find(ID)).toBeDefined()
  time += KEPT_UNUSED
  expect(await stored.find(ID)).toBeUndefined()
})
