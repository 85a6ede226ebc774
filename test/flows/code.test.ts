import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createAccounts } from '../../src/accounts/accounts.ts'
import { createPasswords } from '../../src/accounts/password.ts'
import { createClients } from '../../src/clients/clients.ts'
import { introspect, newApp } from '../harness/app-client.ts'
import { APP_REDIRECT } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import {
  LAB_APP,
  newVisit,
  pressAtAccount,
  SECOND_APP,
  theRecordOf,
  tokensIn,
  type Visit,
  withoutSecondFactor
} from '../harness/visit.ts'

const INACTIVE = '{"active":false}'

describe.each(STORES)('authorization codes on %s', (store) => {
  let keyward: Keyward
  let visit: Visit
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withoutSecondFactor })
    expect(await storeOf(keyward.issuer)).toBe(store)
    visit = newVisit(keyward)
    await visit.code()
  })
  afterEach(() => void vi.useRealTimers())
  afterAll(() => keyward.stop())

  test('case 27: SM-108: a code that is redeemed twice gives nothing, and ends what its first use gave', async () => {
    const code = await visit.code()
    const first = await visit.app.redeem(code)
    expect(first.status).toBe(200)
    const { access, refresh } = tokensIn(first)

    const event = await theRecordOf(keyward, async () => {
      const second = await visit.app.redeem(code)
      expect(second).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    })
    expect(event).toMatchObject({
      type: 'token-reuse',
      outcome: 'grant-ended',
      what: 'code',
      accountId: expect.any(String),
      clientId: 'heart-app',
      fhirServer: 'clinic',
      patient: 'leo'
    })
    expect((await introspect(keyward.issuer, access)).text).toBe(INACTIVE)
    expect((await visit.app.refresh(refresh)).body.error).toBe('invalid_grant')
    expect(await visit.app.redeem(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('case 27: SM-108: tokens that were refreshed since end with it, and another launch of the same app does not', async () => {
    const other = await visit.tokens()
    const code = await visit.code()
    const { refresh } = tokensIn(await visit.app.redeem(code))
    const refreshed = tokensIn(await visit.app.refresh(refresh))
    await visit.app.redeem(code)
    expect((await introspect(keyward.issuer, refreshed.access)).text).toBe(INACTIVE)
    expect((await visit.app.refresh(refreshed.refresh)).body.error).toBe('invalid_grant')
    expect((await introspect(keyward.issuer, other.access)).body.active).toBe(true)
    expect((await visit.app.refresh(other.refresh)).status).toBe(200)
  })

  test.each([
    ['a public client', SECOND_APP],
    ['an authenticated client', LAB_APP]
  ])('case 30: SM-109: %s is refused the code of another, which can still redeem it', async (_, options) => {
    const code = await visit.code()
    const thief = newApp(keyward.issuer, options)
    const event = await theRecordOf(keyward, async () => {
      const answer = await thief.redeem(code, { code_verifier: visit.app.verifier, redirect_uri: APP_REDIRECT })
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    })
    expect(event).toMatchObject({ type: 'token', outcome: 'refused', clientId: options.clientId })
    expect((await visit.app.redeem(code)).status).toBe(200)
  })

  test.each<[string, (code: string, other: string) => string]>([
    ['with the tag of another session', (code, other) => `${other.split('.')[0]}.${code.split('.')[1]}`],
    ['with the random part of another session', (code, other) => `${code.split('.')[0]}.${other.split('.')[1]}`],
    ['with one letter changed', (code) => code.slice(0, -3) + (code.at(-3) === 'A' ? 'B' : 'A') + code.slice(-2)],
    ['cut short', (code) => code.slice(0, -1)],
    ['with something after it', (code) => `${code}.`],
    ['in other case', (code) => code.toUpperCase()]
  ])('case 30: SM-115: a code %s is refused, and the code itself still good', async (_, alter) => {
    const [code, other] = [await visit.code(), await visit.code()]
    expect(await visit.app.redeem(alter(code, other))).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect((await visit.app.redeem(code)).status).toBe(200)
    expect((await visit.app.redeem(other)).status).toBe(200)
  })

  test.each([
    [59, 200, undefined],
    [61, 400, 'invalid_grant']
  ])('case 31: SM-107, SM-115: a code at %i seconds is answered with %i', async (age, status, error) => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const code = await visit.code()
    vi.setSystemTime(Date.now() + age * 1000)
    const event = await theRecordOf(keyward, async () => {
      const answer = await visit.app.redeem(code)
      expect({ status: answer.status, error: answer.body.error }).toEqual({ status, error })
    })
    expect(event).toMatchObject({ type: 'token', outcome: error ? 'refused' : 'issued', clientId: 'heart-app' })
  })

  test('case 33: a code is refused once its account is disabled', async () => {
    const code = await visit.code()
    const accounts = createAccounts({ store: keyward.store, passwords: await createPasswords(), now: Date.now })
    const maria = await accounts.findByUsername('maria')
    await accounts.setDisabled(maria?.sub ?? '', true)
    const event = await theRecordOf(keyward, async () => {
      expect(await visit.app.redeem(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    })
    expect(event).toMatchObject({
      type: 'token',
      outcome: 'refused',
      clientId: 'heart-app',
      accountId: maria?.sub,
      patient: 'leo'
    })
    await accounts.setDisabled(maria?.sub ?? '', false)
  })

  test('case 33: a code is refused once its consent is stopped', async () => {
    const code = await visit.code()
    await pressAtAccount(visit, keyward, 'stop')
    const event = await theRecordOf(keyward, async () => {
      expect(await visit.app.redeem(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    })
    expect(event).toMatchObject({ type: 'token', outcome: 'refused', clientId: 'heart-app', patient: 'leo' })
    // The same consent, given again, is another one: the code stays worthless.
    await visit.code()
    expect((await visit.app.redeem(code)).body.error).toBe('invalid_grant')
  })

  test.each([
    ['public', 'heart-app'],
    ['confidential', 'lab-app']
  ])('case 33: a code is refused once its %s client is disabled', async (_, clientId) => {
    const own = clientId === 'lab-app' ? newVisit(keyward, LAB_APP) : visit
    const code = await own.code()
    const clients = createClients({ configured: keyward.config.clients, issuer: keyward.issuer, store: keyward.store })
    await clients.setDisabled(clientId, true)
    const event = await theRecordOf(keyward, async () => {
      expect(await own.app.redeem(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    })
    expect(event).toMatchObject({ type: 'token', outcome: 'refused', clientId })
    await clients.setDisabled(clientId, false)
  })

  test('case 33: what was refused was not spent by it', async () => {
    const code = await visit.code()
    expect((await visit.app.redeem(code, { code_verifier: randomUUID() + randomUUID() })).body.error).toBe('invalid_grant')
    expect((await visit.app.redeem(code)).status).toBe(200)
  })
})
