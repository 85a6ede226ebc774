/** Requests for production: what an operator sees of them and does about them. */
import { beforeEach, expect, test } from 'vitest'
import { createClients } from '../../../src/clients/clients.ts'
import { KEPT_UNUSED, type StoredClient } from '../../../src/clients/stored-clients.ts'
import {
  approveCommand,
  declineCommand,
  inviteCommand,
  nameOf,
  requestsCommand,
  verifyRequestCommand
} from '../../../src/developer/commands.ts'
import { createInvites } from '../../../src/developer/invites.ts'
import { DECLINE_GROUNDS, newRequest } from '../../../src/developer/production.ts'
import { FRIDAY, ID, newRequesting, type Requesting } from './requesting.ts'

let place: Requesting
beforeEach(async () => {
  place = await newRequesting()
})

test('SM-304: an operator sees what an app asks for, why, and by when it has to be answered', async () => {
  await place.ask()
  expect(await requestsCommand(place.deps())).toBe(0)
  expect(place.printed.join('\n').split('\n')).toEqual([
    ID,
    `  request: ${await place.request()}`,
    '  asked: 2026-05-01, verify by 2026-05-15',
    '  name: "Sleep Diary"',
    '  returns to: https://sleep.example/cb',
    '  hosts: sleep.example',
    '  says of data: sells: no',
    '  scope openid: no reason given',
    '  scope patient/Observation.rs: Shows how you slept.'
  ])
})

test('an operator sees each address that people are shown, the terms too', async () => {
  await place.ask()
  await place.stored.change(ID, ({ client, ...record }) => ({
    ...record,
    client: { ...client, policy_uri: 'https://sleep.example/privacy', tos_uri: 'https://elsewhere.example/terms' }
  }))
  await requestsCommand(place.deps())
  expect(place.printed.join('\n')).toContain(
    '  privacy: https://sleep.example/privacy\n  terms: https://elsewhere.example/terms\n'
  )
})

test('approve opens production, marks the app as verified and keeps it for good; it is recorded', async () => {
  await place.ask()
  expect(await approveCommand(place.deps(), await place.request())).toBe(0)
  expect(await place.stored.find(ID)).not.toHaveProperty('sandbox')
  expect(await place.stored.find(ID)).toMatchObject({ verified: true, approved_for_clinicians: false })
  expect((await place.stored.read(ID))?.production).toMatchObject({ state: 'approved', askedAt: FRIDAY, answeredAt: FRIDAY })
  place.time += 2 * KEPT_UNUSED
  expect(await place.stored.find(ID)).toBeDefined()
  expect(await place.outcomes()).toEqual(['production-approved'])
  expect(await approveCommand(place.deps(), await place.request())).toBe(1)
  expect(await declineCommand(place.deps(), ID, { ground: 'misleading', reason: 'too late' })).toBe(1)
})

test('what was approved is changed by nobody but the operator', async () => {
  const { registration, token, metadata } = await place.ask()
  await approveCommand(place.deps(), await place.request())
  const moved = { ...metadata, client: { ...metadata.client, redirect_uris: ['https://other.example/cb'] } }
  expect(await registration.replace(ID, token, moved)).toBeUndefined()
  expect((await place.stored.find(ID))?.redirect_uris).toEqual(['https://sleep.example/cb'])
})

test('an app that changes what it is while it asks has to ask again', async () => {
  const { registration, token, metadata } = await place.ask()
  const moved = { ...metadata, client: { ...metadata.client, redirect_uris: ['https://other.example/cb'] } }
  expect(await registration.replace(ID, token, moved)).toBeDefined()
  expect(await place.stored.asking()).toEqual([])
  expect(await approveCommand(place.deps(), await place.request())).toBe(1)
  expect(await place.stored.find(ID)).toMatchObject({ sandbox: true, verified: false })
})

test('an app that asks for something else than the operator has looked at is not approved by that', async () => {
  const { registration, token, metadata } = await place.ask()
  const seen = await place.request()
  const moved = { ...metadata, client: { ...metadata.client, redirect_uris: ['https://other.example/cb'] } }
  const changed = await registration.replace(ID, token, moved)
  await registration.use(ID, changed?.told.registrationToken ?? '', (one) => ({ ...one, production: newRequest(place.time) }))
  expect(await approveCommand(place.deps(), seen)).toBe(1)
  expect(await approveCommand(place.deps(), ID)).toBe(1)
  expect(await place.stored.find(ID)).toMatchObject({ sandbox: true, verified: false })
  expect(await place.outcomes()).toEqual([])
  expect(await approveCommand(place.deps(), await place.request())).toBe(0)
})

test('what an operator was shown has a name that any change of it changes', async () => {
  await place.ask()
  const stored = (await place.stored.read(ID)) ?? fail()
  const { client } = stored
  const changes: Partial<StoredClient>[] = [
    { client: { ...client, client_name: 'Sleep Diary ' } },
    { client: { ...client, redirect_uris: ['https://other.example/cb'] } },
    { client: { ...client, scope_reasons: { 'patient/Observation.rs': 'Another reason.' } } },
    { client: { ...client, privacy_answers: { sells: 'yes' } } },
    { client: { ...client, policy_uri: 'https://sleep.example/privacy' } },
    { launchUrls: ['https://sleep.example/launch'] },
    { owner: 'somebody' }
  ]
  const names = [stored, ...changes.map((change) => ({ ...stored, ...change }))].map(nameOf)
  expect(new Set(names).size).toBe(changes.length + 1)
})

test('decline needs a ground of the closed list and a text, both of which the developer is told; the app stays in the sandbox', async () => {
  await place.ask()
  const reason = 'nobody at sleep.example knows this app'
  for (const given of [
    {},
    { reason },
    { ground: 'not-theirs' },
    { ground: 'not-theirs', reason: ' ' },
    { ground: 'privacy', reason }
  ])
    expect(await declineCommand(place.deps(), ID, given)).toBe(2)
  expect(place.printed.at(-1)).toContain(DECLINE_GROUNDS.join('|'))
  expect(await declineCommand(place.deps(), ID, { ground: 'not-theirs', reason })).toBe(0)
  expect(await place.stored.find(ID)).toMatchObject({ sandbox: true, verified: false })
  expect((await place.stored.read(ID))?.production).toMatchObject({ state: 'declined', ground: 'not-theirs', reason })
  expect(await place.stored.asking()).toEqual([])
  expect(await place.outcomes()).toEqual(['production-declined'])
  expect(await place.reasons()).toEqual(['not-theirs'])
})

test('an app that was verified may still be declined, and has to ask again where it changes', async () => {
  const { registration, token, metadata } = await place.ask()
  await verifyRequestCommand(place.deps(), await place.request())
  expect(await registration.replace(ID, token, metadata)).toBeDefined()
  expect(await place.stored.asking()).toEqual([])
  await place.stored.change(ID, (one) => ({ ...one, production: newRequest(place.time) }))
  await verifyRequestCommand(place.deps(), await place.request())
  expect(await declineCommand(place.deps(), ID, { ground: 'withdrawn', reason: 'the developer said so' })).toBe(0)
})

test('an id that nobody registered, or that asks for nothing, is answered by neither', async () => {
  expect(await approveCommand(place.deps(), 'nobody')).toBe(1)
  expect(await requestsCommand(place.deps())).toBe(0)
  expect(place.printed).toContain('nobody asks for production')
  expect(await place.outcomes()).toEqual([])
})

test('invite makes a token that registers once, where registration is on', async () => {
  const off = { ...place.deps(), config: { registration: { enabled: false, perDay: 1 } } }
  expect(await inviteCommand(off)).toBe(1)
  place.printed = []
  expect(await inviteCommand(place.deps())).toBe(0)
  const [token = ''] = place.printed
  const invites = createInvites({ store: place.store, fence: { notBefore: () => 0 }, now: place.now })
  expect(await invites.spend(token)).toBe(true)
  expect(await invites.spend(token)).toBe(false)
  expect(await place.outcomes()).toEqual(['invited'])
})

test('an invitation from before the store may have lost something is refused', async () => {
  const { token } = await createInvites({ store: place.store, fence: { notBefore: () => 0 }, now: place.now }).issue()
  const fenced = createInvites({ store: place.store, fence: { notBefore: () => FRIDAY + 1 }, now: place.now })
  expect(await fenced.isOpen(token)).toBe(false)
  expect(await fenced.spend(token)).toBe(false)
})

test('an invitation is refused too where the store loses something while it is spent', async () => {
  const { token } = await createInvites({ store: place.store, fence: { notBefore: () => 0 }, now: place.now }).issue()
  const said = [0, FRIDAY + 1]
  const raised = createInvites({ store: place.store, fence: { notBefore: () => said.shift() ?? FRIDAY + 1 }, now: place.now })
  expect(await raised.spend(token)).toBe(false)
})

test('case 90: a sandbox client that nobody uses for 90 days is forgotten, one that is used is kept', async () => {
  await place.register()
  const clients = createClients({ configured: [], issuer: 'https://auth.example', store: place.store, now: place.now })
  place.time += KEPT_UNUSED * 0.6
  const client = await clients.find(ID)
  if (!client) throw new Error('it was forgotten too early')
  await clients.used(client)
  place.time += KEPT_UNUSED * 0.6
  expect(await place.stored.find(ID)).toBeDefined()
  place.time += KEPT_UNUSED
  expect(await place.stored.find(ID)).toBeUndefined()
})

function fail(): never {
  throw new Error('it is not registered')
}
