import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccounts } from '../../src/accounts/accounts.ts'
import { createPasswords } from '../../src/accounts/password.ts'
import { createClients } from '../../src/clients/clients.ts'
import { introspect, newApp } from '../harness/app-client.ts'
import { FHIR_BASE } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { LAB_APP, newVisit, pressAtAccount, SECOND_APP, strictly, theRecordOf, tokensIn, type Visit } from '../harness/visit.ts'

const INACTIVE = '{"active":false}'
const INVALID_GRANT = { status: 400, body: { error: 'invalid_grant' } }
const PARTIES = { accountId: expect.any(String), clientId: 'heart-app', fhirServer: 'clinic', patient: 'leo' }

const sorted = (scope: string | undefined): string[] => (scope ?? '').split(' ').sort()

describe.each(STORES)('refresh on %s', (store) => {
  let keyward: Keyward
  let visit: Visit
  let lab: Visit
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: strictly })
    expect(await storeOf(keyward.issuer)).toBe(store)
    visit = newVisit(keyward)
    lab = newVisit(keyward, LAB_APP, visit.browser)
  })
  afterAll(() => keyward.stop())

  const isActive = async (token: string): Promise<unknown> => (await introspect(keyward.issuer, token)).body.active

  test('case 55: SM-229, SM-230: an old refresh token, after rotation, ends every one that came from it', async () => {
    const first = await visit.tokens()
    const second = tokensIn(await visit.app.refresh(first.refresh))
    const third = tokensIn(await visit.app.refresh(second.refresh))
    expect(new Set([first.refresh, second.refresh, third.refresh]).size).toBe(3)
    const event = await theRecordOf(keyward, async () => {
      expect(await visit.app.refresh(first.refresh)).toMatchObject(INVALID_GRANT)
    })
    expect(event).toEqual({
      type: 'token-reuse',
      outcome: 'grant-ended',
      what: 'refresh-token',
      grantId: expect.any(String),
      ...PARTIES
    })
    for (const { access, refresh } of [first, second, third]) {
      expect((await introspect(keyward.issuer, access)).text).toBe(INACTIVE)
      expect(await visit.app.refresh(refresh)).toMatchObject(INVALID_GRANT)
    }
  })

  test('case 55: the direct predecessor is refused as well, and another launch lives on', async () => {
    const [first, other] = [await visit.tokens(), await visit.tokens()]
    const second = tokensIn(await visit.app.refresh(first.refresh))
    expect(await visit.app.refresh(first.refresh)).toMatchObject(INVALID_GRANT)
    expect(await isActive(second.access)).toBe(false)
    expect(await isActive(other.access)).toBe(true)
    expect((await visit.app.refresh(other.refresh)).status).toBe(200)
  })

  test.each([
    ['a public client', SECOND_APP],
    ['an authenticated client', LAB_APP]
  ])('case 58: SM-231: %s is refused the refresh token of another, whose tokens stay', async (_, options) => {
    const { access, refresh } = await visit.tokens()
    const event = await theRecordOf(keyward, async () => {
      expect(await newApp(keyward.issuer, options).refresh(refresh)).toMatchObject(INVALID_GRANT)
    })
    expect(event).toMatchObject({ type: 'token', outcome: 'refused', clientId: options.clientId, grantType: 'refresh_token' })
    expect(await isActive(access)).toBe(true)
    expect((await visit.app.refresh(refresh)).status).toBe(200)
  })

  test('case 58: a spent refresh token in the hands of another client ends nothing', async () => {
    const { refresh } = await visit.tokens()
    const next = tokensIn(await visit.app.refresh(refresh))
    expect(await lab.app.refresh(refresh)).toMatchObject(INVALID_GRANT)
    expect((await visit.app.refresh(next.refresh)).status).toBe(200)
  })

  test.each([
    ['one more kind of data', 'patient/Patient.rs patient/Observation.rs', 'invalid_scope'],
    ['more interactions', 'patient/Patient.cruds', 'invalid_scope'],
    ['all kinds of data', 'patient/*.rs', 'invalid_scope'],
    ['records of everybody', 'user/Patient.rs', 'invalid_scope'],
    ['a scope in other case', 'patient/patient.rs', 'invalid_scope'],
    ['a scope nobody knows', 'admin', 'invalid_scope'],
    ['characters that no scope has', 'patient/Patient.rs "', 'invalid_scope']
  ])('case 59: SM-224: %s on refresh is refused', async (_, scope, error) => {
    const { access, refresh } = await visit.tokens()
    const event = await theRecordOf(keyward, async () => {
      expect(await visit.app.refresh(refresh, { scope })).toMatchObject({ status: 400, body: { error } })
    })
    expect(event).toMatchObject({ type: 'token', outcome: 'refused', clientId: 'heart-app' })
    expect(await isActive(access)).toBe(true)
    expect((await visit.app.refresh(refresh)).status).toBe(200)
  })

  test.each(['http://localhost:9011/fhir', 'https://elsewhere.example/fhir', `${FHIR_BASE}/Patient`])(
    'case 59: the resource %s on refresh is refused',
    async (resource) => {
      const { access, refresh } = await visit.tokens()
      const event = await theRecordOf(keyward, async () => {
        expect(await visit.app.refresh(refresh, { resource })).toMatchObject({ status: 400, body: { error: 'invalid_target' } })
      })
      expect(event).toMatchObject({ type: 'token', outcome: 'refused', ...PARTIES })
      expect(await isActive(access)).toBe(true)
      expect((await visit.app.refresh(refresh)).status).toBe(200)
    }
  )

  test('case 60: refresh is refused while the account is disabled', async () => {
    const { access, refresh } = await visit.tokens()
    const accounts = createAccounts({ store: keyward.store, passwords: await createPasswords(), now: Date.now })
    const maria = await accounts.findByUsername('maria')
    await accounts.setDisabled(maria?.sub ?? '', true)
    const event = await theRecordOf(keyward, async () => {
      expect(await visit.app.refresh(refresh)).toMatchObject(INVALID_GRANT)
    })
    expect(event).toMatchObject({ type: 'token', outcome: 'refused', ...PARTIES })
    expect((await introspect(keyward.issuer, access)).text).toBe(INACTIVE)
    await accounts.setDisabled(maria?.sub ?? '', false)
  })

  test.each([
    ['public', 'heart-app'],
    ['confidential', 'lab-app']
  ])('case 60: refresh is refused while the %s client is disabled', async (_, clientId) => {
    const own = clientId === 'lab-app' ? lab : visit
    const { access, refresh } = await own.tokens()
    const clients = createClients({ configured: keyward.config.clients, issuer: keyward.issuer, store: keyward.store })
    await clients.setDisabled(clientId, true)
    const event = await theRecordOf(keyward, async () => {
      expect(await own.app.refresh(refresh)).toMatchObject(INVALID_GRANT)
    })
    expect(event).toMatchObject({ type: 'token', outcome: 'refused', ...PARTIES, clientId })
    expect((await introspect(keyward.issuer, access)).text).toBe(INACTIVE)
    await clients.setDisabled(clientId, false)
  })

  test('case 60: refresh is refused once the consent is stopped', async () => {
    const { refresh } = await visit.tokens()
    await pressAtAccount(visit, keyward, 'stop')
    const event = await theRecordOf(keyward, async () => {
      expect(await visit.app.refresh(refresh)).toMatchObject(INVALID_GRANT)
    })
    expect(event).toMatchObject({ type: 'token', outcome: 'refused', ...PARTIES })
  })

  test('a public client may leave out client_id when it refreshes; one that has a secret must use it', async () => {
    const { refresh } = await visit.tokens()
    const answer = await visit.app.refresh(refresh, { client_id: undefined })
    expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer', patient: 'leo' } })
    expect(await visit.app.refresh(refresh, { client_id: undefined })).toMatchObject(INVALID_GRANT)

    const secret = await lab.tokens()
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: secret.refresh })
    const refused = await fetch(`${keyward.issuer}/token`, { method: 'POST', body })
    expect({ status: refused.status, error: JSON.parse(await refused.text()).error }).toEqual({
      status: 401,
      error: 'invalid_client'
    })
    expect((await lab.app.refresh(secret.refresh)).status).toBe(200)
  })

  test('SM-171, SM-223, SM-232: refresh keeps patient and scope of the launch, however often', async () => {
    const { response, refresh } = await visit.tokens()
    let token = refresh
    for (let times = 0; times < 4; times++) {
      const next = await visit.app.refresh(token)
      expect(next.body).toMatchObject({ patient: response.body.patient, expires_in: 900, token_type: 'Bearer' })
      expect(sorted(next.body.scope)).toEqual(sorted(response.body.scope))
      expect((await introspect(keyward.issuer, next.body.access_token ?? '')).body).toMatchObject({
        active: true,
        patient: 'leo'
      })
      token = next.body.refresh_token ?? ''
    }
  })

  test('SM-224, SM-225: some of the scopes on refresh narrow that access token only', async () => {
    const { response, refresh } = await visit.tokens()
    const narrowed = await visit.app.refresh(refresh, { scope: 'launch/patient patient/Patient.rs' })
    expect(narrowed.status).toBe(200)
    expect(sorted(narrowed.body.scope)).toEqual(['launch/patient', 'patient/Patient.rs'])
    expect(narrowed.body.patient).toBe('leo')
    const seen = await introspect(keyward.issuer, narrowed.body.access_token ?? '')
    expect(sorted(String(seen.body.scope))).toEqual(['launch/patient', 'patient/Patient.rs'])
    expect(seen.body).not.toHaveProperty('fhirUser')

    // RFC 6749 §6: the new refresh token still has all of them.
    const whole = await visit.app.refresh(narrowed.body.refresh_token ?? '')
    expect(sorted(whole.body.scope)).toEqual(sorted(response.body.scope))
  })

  test('SM-273: two launches of one app, for two patients, live side by side', async () => {
    const leo = await visit.tokens({}, { patient: 'leo' })
    const maria = await visit.tokens({ prompt: 'login' }, { patient: 'maria' })
    expect([leo.response.body.patient, maria.response.body.patient]).toEqual(['leo', 'maria'])
    for (const [tokens, patient] of [
      [leo, 'leo'],
      [maria, 'maria'],
      [leo, 'leo']
    ] as const) {
      expect((await introspect(keyward.issuer, tokens.access)).body).toMatchObject({ active: true, patient })
    }
    expect((await visit.app.refresh(leo.refresh)).body.patient).toBe('leo')
    expect((await visit.app.refresh(maria.refresh)).body.patient).toBe('maria')
    await visit.app.revoke(leo.access)
    expect((await introspect(keyward.issuer, maria.access)).body).toMatchObject({ active: true, patient: 'maria' })
  })
})
