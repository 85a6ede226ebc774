import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { introspect } from '../harness/app-client.ts'
import { assertionForm, newClientKey, newService, serviceConfig } from '../harness/backend-client.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { LAB_APP, newVisit, SECOND_APP, strictly, tokensIn, type Visit } from '../harness/visit.ts'

const DAY = 24 * 60 * 60 * 1000
const INACTIVE = '{"active":false}'
const BASE = 'openid fhirUser launch/patient patient/Patient.rs'
const ONLINE = { scope: `${BASE} online_access` }
const OFFLINE = { scope: `${BASE} offline_access` }
const KEY = newClientKey('RS384')
const KEY_APP = { clientId: 'key-app', redirectUri: 'https://key.example/cb' }

function withOwnLifetimes(config: Config): Config {
  const { clients, ...others } = strictly(config)
  const keyApp = serviceConfig(KEY_APP.clientId, KEY, {
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [KEY_APP.redirectUri],
    smart_scope: BASE,
    fhir_servers: []
  })
  const changed = clients.map((one) => {
    if (one.client_id === 'lab-app') return { ...one, refresh_token_lifetime: 400 * 86_400 }
    return one.client_id === 'second-app' ? { ...one, refresh_token_absolute: 10 * 86_400 } : one
  })
  return { ...others, clients: [...changed, keyApp] }
}

describe.each(STORES)('launches side by side, and how long they last, on %s', (store) => {
  let keyward: Keyward
  let visit: Visit
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withOwnLifetimes })
    expect(await storeOf(keyward.issuer)).toBe(store)
    visit = newVisit(keyward)
  })
  afterEach(() => void vi.useRealTimers())
  afterAll(() => keyward.stop())

  const isActive = async (token: string): Promise<unknown> => (await introspect(keyward.issuer, token)).body.active

  test.each([
    ['online_access', ONLINE],
    ['offline_access', OFFLINE]
  ])('SM-220, SM-273: one app launched three times by one person, with %s: each launch ends by itself', async (_, asked) => {
    const first = await visit.tokens(asked, { patient: 'leo' })
    const second = await visit.tokens(asked, { patient: 'maria' })
    const third = await visit.tokens({ ...asked, prompt: 'login' }, { patient: 'leo' })
    for (const { access } of [first, second, third]) expect(await isActive(access)).toBe(true)

    await visit.app.revoke(third.refresh)
    const next = tokensIn(await visit.app.refresh(first.refresh))
    expect(next.response.body.patient).toBe('leo')
    // A second use: whoever has it, its own launch ends, and no other.
    expect((await visit.app.refresh(first.refresh)).body.error).toBe('invalid_grant')
    for (const { access } of [first, next, third]) expect((await introspect(keyward.issuer, access)).text).toBe(INACTIVE)

    expect(await isActive(second.access)).toBe(true)
    const still = tokensIn(await visit.app.refresh(second.refresh))
    expect(still.response.body).toMatchObject({ patient: 'maria' })
    expect(await isActive(still.access)).toBe(true)
  })

  test('SM-236, SM-238: a client with a longer life for its refresh tokens has it at every use', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    let { refresh } = await newVisit(keyward, LAB_APP).tokens(OFFLINE)
    const { app } = newVisit(keyward, LAB_APP)
    for (let times = 0; times < 3; times++) {
      vi.setSystemTime(Date.now() + 399 * DAY)
      const next = await app.refresh(refresh)
      expect({ times, status: next.status }).toEqual({ times, status: 200 })
      refresh = tokensIn(next).refresh
    }
    vi.setSystemTime(Date.now() + 401 * DAY)
    expect((await app.refresh(refresh)).body.error).toBe('invalid_grant')
  })

  test('a client whose connections end after some days is refused from then on, however lately it refreshed', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const other = newVisit(keyward, SECOND_APP)
    const { refresh } = await other.tokens(OFFLINE)
    vi.setSystemTime(Date.now() + 9 * DAY)
    const next = tokensIn(await other.app.refresh(refresh))
    expect(next.response.status).toBe(200)
    vi.setSystemTime(Date.now() + DAY - 5 * 60_000)
    const last = tokensIn(await other.app.refresh(next.refresh))
    expect(last.response.status).toBe(200)
    vi.setSystemTime(Date.now() + 6 * 60_000)
    expect((await other.app.refresh(last.refresh)).body.error).toBe('invalid_grant')
  })

  test('SM-147, SM-307, SM-308: apps without a secret, with one and with a key get an id_token each', async () => {
    const { app, ...keyApp } = newVisit(keyward, KEY_APP, visit.browser)
    const assertion = newService(keyward.issuer, KEY_APP.clientId, KEY).assertion()
    const byKey = await app.redeem(await keyApp.code({ scope: BASE }), assertionForm(assertion))
    const answers = [
      await visit.tokens(OFFLINE),
      await newVisit(keyward, LAB_APP, visit.browser).tokens(OFFLINE),
      tokensIn(byKey)
    ]
    expect(answers.map(({ response }) => decodeJwt(response.body.id_token ?? '').aud)).toEqual([
      'heart-app',
      'lab-app',
      'key-app'
    ])
  })
})
