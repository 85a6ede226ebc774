import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { introspect } from '../harness/app-client.ts'
import { encoded, newClientKey, newService, serviceConfig } from '../harness/backend-client.ts'
import { FHIR_BASE } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { newVisit, pressAtAccount, SECOND_APP, theRecordOf, tokensIn, type Visit, withoutSecondFactor } from '../harness/visit.ts'

const INACTIVE = '{"active":false}'
const KEY = newClientKey('ES384')

function givingJwts(config: Config): Config {
  const { fhirServers, clients, ...others } = withoutSecondFactor(config)
  return {
    ...others,
    fhirServers: fhirServers.map((one) => (one.id === 'clinic' ? { ...one, accessTokenFormat: 'jwt' } : one)),
    clients: [...clients, serviceConfig('bulk', KEY), serviceConfig('bulk-elsewhere', KEY, { fhir_servers: ['other'] })]
  }
}

describe.each(STORES)('JWT access tokens on %s', (store) => {
  let keyward: Keyward
  let visit: Visit
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: givingJwts })
    expect(await storeOf(keyward.issuer)).toBe(store)
    visit = newVisit(keyward)
  })
  afterEach(() => void vi.useRealTimers())
  afterAll(() => keyward.stop())

  /** As a FHIR server does it that asks nobody but for the keys. */
  async function verified(token: string, audience = FHIR_BASE) {
    const keys: JSONWebKeySet = JSON.parse(await (await fetch(`${keyward.issuer}/jwks`)).text())
    const expected = { issuer: keyward.issuer, audience, typ: 'at+jwt', algorithms: ['RS256'] }
    return jwtVerify(token, createLocalJWKSet(keys), expected)
  }

  test('SM-262: a FHIR server reads in it what introspection would say, for five minutes at most', async () => {
    const { access, response } = await visit.tokens()
    const { payload } = await verified(access)
    const { jti, ...said } = payload
    const { active, token_type, ...asked } = (await introspect(keyward.issuer, access)).body
    expect({ active, token_type }).toEqual({ active: true, token_type: 'Bearer' })
    expect(said).toEqual(asked)
    expect(said).toMatchObject({ aud: FHIR_BASE, client_id: 'heart-app', patient: 'leo', fhirUser: `${FHIR_BASE}/Patient/maria` })
    expect(said.scope).toBe(response.body.scope)
    expect(Number(said.exp) - Number(said.iat)).toBe(300)
    expect(response.body.expires_in).toBeLessThanOrEqual(300)
    expect(jti).toMatch(/^kw_jt_/)
  })

  test('what is configured to last less than five minutes does', async () => {
    const brief = await startKeyward({
      change: (config) => ({ ...givingJwts(config), lifetimes: { ...config.lifetimes, accessToken: 60 } })
    })
    const { iat, exp } = decodeJwt((await newVisit(brief).tokens()).access)
    await brief.stop()
    expect(Number(exp) - Number(iat)).toBe(60)
  })

  test('each refresh gives another, and a retry the same one once more', async () => {
    const { access, refresh } = await visit.tokens()
    const next = tokensIn(await visit.app.refresh(refresh))
    const retried = tokensIn(await visit.app.refresh(refresh))
    expect(next.access).not.toBe(access)
    expect(retried).toMatchObject({ access: next.access, refresh: next.refresh })
    for (const token of [access, next.access]) expect((await introspect(keyward.issuer, token)).body.active).toBe(true)
  })

  test('SM-239, SM-271: introspection knows when the person has stopped the app', async () => {
    const { access } = await visit.tokens()
    await pressAtAccount(visit, keyward, 'stop')
    expect((await introspect(keyward.issuer, access)).text).toBe(INACTIVE)
    // That is the bound: until its end, the signature alone says nothing of it.
    expect((await verified(access)).payload.exp).toBeLessThanOrEqual(Date.now() / 1000 + 300)
  })

  test('SM-265: it ends with its five minutes', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { access } = await visit.tokens()
    vi.setSystemTime(Date.now() + 299_000)
    expect((await introspect(keyward.issuer, access)).body.active).toBe(true)
    vi.setSystemTime(Date.now() + 2000)
    expect((await introspect(keyward.issuer, access)).text).toBe(INACTIVE)
  })

  test('SM-274: an app that revokes it ends its connection', async () => {
    const { access, refresh } = await visit.tokens()
    const event = await theRecordOf(keyward, async () => {
      expect((await visit.app.revoke(access)).status).toBe(200)
    })
    expect(event).toMatchObject({ type: 'revocation', outcome: 'revoked', clientId: 'heart-app', patient: 'leo' })
    expect((await introspect(keyward.issuer, access)).text).toBe(INACTIVE)
    expect((await visit.app.refresh(refresh)).body.error).toBe('invalid_grant')
  })

  test('one of another app is answered with 200, and stays', async () => {
    const { access } = await visit.tokens()
    const other = newVisit(keyward, SECOND_APP, visit.browser)
    const event = await theRecordOf(keyward, async () => {
      expect((await other.app.revoke(access)).status).toBe(200)
    })
    expect(event).toMatchObject({ outcome: 'refused', reason: 'token-of-another-client' })
    expect((await introspect(keyward.issuer, access)).body.active).toBe(true)
  })

  const forgeries: [string, (jwt: string, idToken: string) => string][] = [
    ['its id alone', (jwt) => decodeJwt(jwt).jti ?? ''],
    ['alg none', (jwt) => `${encoded({ alg: 'none', typ: 'at+jwt' })}.${jwt.split('.')[1]}.`],
    [
      'a typ of its own',
      (jwt) => `${encoded({ ...decodeProtectedHeader(jwt), typ: 'JWT' })}.${jwt.split('.').slice(1).join('.')}`
    ],
    ['another patient', (jwt) => jwt.replace(/\.[^.]+\./, `.${encoded({ ...decodeJwt(jwt), patient: 'maria' })}.`)],
    ['no signature', (jwt) => jwt.replace(/\.[^.]*$/, '.')],
    ['the signature of an id_token', (jwt, id) => jwt.replace(/[^.]*$/, id.split('.')[2] ?? '')],
    ['a fourth part', (jwt) => `${jwt}.x`],
    ['an id_token', (_, id) => id]
  ]
  test.each(forgeries)('case 70: SM-265: with %s it is inactive, and nothing to revoke', async (_, forge) => {
    const { access, response } = await visit.tokens()
    const forged = forge(access, response.body.id_token ?? '')
    expect((await introspect(keyward.issuer, forged)).text).toBe(INACTIVE)
    const event = await theRecordOf(keyward, async () => {
      expect((await visit.app.revoke(forged)).status).toBe(200)
    })
    expect(event).toMatchObject({ outcome: 'refused', reason: 'no-such-token' })
    expect((await introspect(keyward.issuer, access)).body.active).toBe(true)
  })

  test('case 70: SM-265: one that another Keyward has signed is inactive', async () => {
    const elsewhere = await startKeyward({ change: givingJwts })
    const { access } = await newVisit(elsewhere).tokens()
    await elsewhere.stop()
    expect((await introspect(keyward.issuer, access)).text).toBe(INACTIVE)
  })

  test('SM-262: a backend service gets its own, without a person', async () => {
    const { body } = await newService(keyward.issuer, 'bulk', KEY).token()
    const access = String(body.access_token)
    const { payload } = await verified(access)
    expect(payload).toEqual({
      iss: keyward.issuer,
      sub: 'bulk',
      client_id: 'bulk',
      aud: FHIR_BASE,
      scope: 'system/*.rs',
      iat: expect.any(Number),
      exp: Number(payload.iat) + 300,
      jti: expect.stringMatching(/^kw_jt_/)
    })
    expect((await introspect(keyward.issuer, access)).body).toMatchObject({ active: true, sub: 'bulk' })
    const form = newService(keyward.issuer, 'bulk', KEY)
    await form.post('/revoke', {
      token: access,
      client_assertion: form.assertion(),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    })
    expect((await introspect(keyward.issuer, access)).text).toBe(INACTIVE)
  })

  test('a FHIR server without it gets opaque tokens from the same Keyward', async () => {
    const { body } = await newService(keyward.issuer, 'bulk-elsewhere', KEY).token()
    expect(body.access_token).toMatch(/^kw_at_/)
    expect((await introspect(keyward.issuer, String(body.access_token), 'other-fhir')).body.active).toBe(true)
  })
})
