/**
 * The token and revocation endpoints are handlers of our own. Here the engine's stand beside them, and both are asked the
 * same: whoever changes ours, or upgrades the engine, sees where they part. Where they do so on purpose is in
 * token-partings.test.ts.
 */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { engineKind } from '../../src/oidc/engine-records.ts'
import { basic, introspect } from '../harness/app-client.ts'
import { APP_REDIRECT, FHIR_BASE } from '../harness/clinic-config.ts'
import { STORES, storeOf } from '../harness/keyward.ts'
import {
  type Answered,
  type Asked,
  type Given,
  HEART,
  LAB,
  type Pair,
  redemption,
  refreshing,
  revoking,
  type Scenario,
  seen,
  startPair,
  twice,
  withHeaders
} from '../harness/token-pair.ts'
import { LAB_APP, type Visit } from '../harness/visit.ts'

const WRONG_VERIFIER = 'w'.repeat(43)

describe.each(STORES)("our token endpoint and the engine's on %s", (store) => {
  let pair: Pair
  beforeAll(async () => {
    pair = await startPair(store)
    expect(await storeOf(pair.keyward.issuer)).toBe(store)
  })
  afterEach(() => void vi.useRealTimers())
  afterAll(() => pair.stop())

  async function expectAlike(scenario: Scenario, status: number, error: string | undefined, of?: Visit): Promise<void> {
    const { ours, theirs } = await pair.both(scenario, of)
    expect(seen(ours)).toEqual(seen(theirs))
    expect({ status: ours.status, error: ours.error }).toEqual({ status, error })
  }

  const afterSpending =
    (first: (given: Given) => Asked, then: (given: Given) => Asked): Scenario =>
    async (one, base) => {
      expect((await pair.ask(base, first(one))).status).toBe(200)
      return then(one)
    }

  const SCENARIOS: [string, number, string | undefined, Scenario][] = [
    ['a code', 200, undefined, (one) => redemption(one)],
    ['a code, with the FHIR server as resource', 200, undefined, (one) => redemption(one, { resource: FHIR_BASE })],
    ['a code, with a parameter that nobody knows', 200, undefined, (one) => redemption(one, { unknown: 'x' })],
    ['a code, and a scope, which a code has already', 200, undefined, (one) => redemption(one, { scope: 'openid' })],
    ['no code', 400, 'invalid_request', (one) => redemption(one, { code: undefined })],
    ['an empty code', 400, 'invalid_request', (one) => redemption(one, { code: '' })],
    ['an unknown code', 400, 'invalid_grant', (one) => redemption(one, { code: `kw_ac_AAAAAAAA.${'A'.repeat(43)}` })],
    ['a refresh token for a code', 400, 'invalid_grant', (one) => redemption(one, { code: one.tokens.refresh })],
    ['no redirect_uri', 400, 'invalid_request', (one) => redemption(one, { redirect_uri: undefined })],
    ['another redirect_uri', 400, 'invalid_grant', (one) => redemption(one, { redirect_uri: 'http://localhost:9002/other' })],
    ['no verifier', 400, 'invalid_grant', (one) => redemption(one, { code_verifier: undefined })],
    ['an empty verifier', 400, 'invalid_grant', (one) => redemption(one, { code_verifier: '' })],
    ['another verifier', 400, 'invalid_grant', (one) => redemption(one, { code_verifier: WRONG_VERIFIER })],
    ['a verifier that is too short', 400, 'invalid_request', (one) => redemption(one, { code_verifier: 'short' })],
    ['a verifier that is too long', 400, 'invalid_request', (one) => redemption(one, { code_verifier: 'x'.repeat(129) })],
    ['a verifier with a space', 400, 'invalid_request', (one) => redemption(one, { code_verifier: `${'x'.repeat(50)} x` })],
    ['a code of another public client', 400, 'invalid_grant', (one) => redemption(one, { client_id: 'second-app' })],
    [
      'a code of another authenticated client',
      400,
      'invalid_grant',
      (one) => withHeaders(redemption(one, { client_id: undefined }), { Authorization: LAB })
    ],
    ['a spent code', 400, 'invalid_grant', afterSpending(redemption, redemption)],
    [
      'a spent code, with another verifier',
      400,
      'invalid_grant',
      afterSpending(redemption, (one) => redemption(one, { code_verifier: WRONG_VERIFIER }))
    ],
    ['another resource', 400, 'invalid_target', (one) => redemption(one, { resource: 'http://localhost:9011/fhir' })],
    ['a client that is not registered for codes', 400, 'invalid_grant', (one) => redemption(one, { client_id: 'small-app' })],
    ['a code with its grant type left out', 400, 'invalid_request', (one) => redemption(one, { grant_type: undefined })],
    ['an unknown grant type', 400, 'unsupported_grant_type', (one) => redemption(one, { grant_type: 'urn:example:x' })],
    ['the grant type password', 400, 'unsupported_grant_type', () => ({ form: { grant_type: 'password', ...HEART } })],
    ['the grant type implicit', 400, 'unsupported_grant_type', () => ({ form: { grant_type: 'implicit', ...HEART } })],
    ['a code twice', 400, 'invalid_request', (one) => twice(redemption(one), 'code', 'x')],
    ['the grant type twice', 400, 'invalid_request', (one) => twice(redemption(one), 'grant_type', 'authorization_code')],
    ['the verifier twice', 400, 'invalid_request', (one) => twice(redemption(one), 'code_verifier', one.verifier)],
    ['client_id twice', 400, 'invalid_request', (one) => twice(redemption(one), 'client_id', 'heart-app')],
    [
      'the granted resource twice',
      200,
      undefined,
      (one) => twice(redemption(one, { resource: FHIR_BASE }), 'resource', FHIR_BASE)
    ],
    ['an unknown client', 401, 'invalid_client', (one) => redemption(one, { client_id: 'nobody' })],
    ['a client with a secret, not authenticated', 401, 'invalid_client', (one) => redemption(one, { client_id: 'lab-app' })],
    [
      'client_id of another than the authenticated client',
      400,
      'invalid_request',
      (one) => withHeaders(redemption(one), { Authorization: LAB })
    ],
    [
      'a wrong secret',
      401,
      'invalid_client',
      (one) => withHeaders(redemption(one, { client_id: undefined }), { Authorization: basic('lab-app', 'wrong') })
    ],
    ['a body that is JSON', 400, 'invalid_request', () => ({ form: '{}', headers: { 'Content-Type': 'application/json' } })],

    ['a refresh token', 200, undefined, (one) => refreshing(one)],
    [
      'a refresh token, with all of its scopes',
      200,
      undefined,
      (one) => refreshing(one, { scope: one.tokens.response.body.scope })
    ],
    ['a refresh token, narrowed', 200, undefined, (one) => refreshing(one, { scope: 'openid patient/Patient.rs' })],
    ['a refresh token, narrowed, without openid', 200, undefined, (one) => refreshing(one, { scope: 'patient/Patient.rs' })],
    ['a refresh token, with the FHIR server as resource', 200, undefined, (one) => refreshing(one, { resource: FHIR_BASE })],
    ['no refresh token', 400, 'invalid_request', (one) => refreshing(one, { refresh_token: undefined })],
    ['an unknown refresh token', 400, 'invalid_grant', (one) => refreshing(one, { refresh_token: 'unknown' })],
    ['an access token for a refresh token', 400, 'invalid_grant', (one) => refreshing(one, { refresh_token: one.tokens.access })],
    ['a code for a refresh token', 400, 'invalid_grant', (one) => refreshing(one, { refresh_token: one.code })],
    ['more scope', 400, 'invalid_scope', (one) => refreshing(one, { scope: 'patient/Observation.rs' })],
    ['more interactions', 400, 'invalid_scope', (one) => refreshing(one, { scope: 'patient/Patient.cruds' })],
    ['a scope with a quotation mark', 400, 'invalid_scope', (one) => refreshing(one, { scope: 'patient/Patient.rs "' })],
    ['two spaces between two scopes', 400, 'invalid_scope', (one) => refreshing(one, { scope: 'openid  patient/Patient.rs' })],
    [
      'a refresh for another resource',
      400,
      'invalid_target',
      (one) => refreshing(one, { resource: 'http://localhost:9011/fhir' })
    ],
    ['a refresh for a resource nobody knows', 400, 'invalid_target', (one) => refreshing(one, { resource: 'https://x.example' })],
    ['a refresh token of another public client', 400, 'invalid_grant', (one) => refreshing(one, { client_id: 'second-app' })],
    [
      'a refresh token of another authenticated client',
      400,
      'invalid_grant',
      (one) => withHeaders(refreshing(one, { client_id: undefined }), { Authorization: LAB })
    ],
    ['a spent refresh token', 400, 'invalid_grant', afterSpending(refreshing, refreshing)],
    ['the scope twice', 400, 'invalid_request', (one) => twice(refreshing(one, { scope: 'openid' }), 'scope', 'openid')],

    ['the revocation of a refresh token', 200, undefined, (one) => revoking(one.tokens.refresh)],
    ['the revocation of an access token', 200, undefined, (one) => revoking(one.tokens.access)],
    [
      'a revocation with a wrong hint',
      200,
      undefined,
      (one) => revoking(one.tokens.access, { token_type_hint: 'refresh_token' })
    ],
    ['the revocation of an unknown token', 200, undefined, () => revoking('unknown')],
    [
      "the revocation of another client's token",
      200,
      undefined,
      (one) => revoking(one.tokens.refresh, { client_id: 'second-app' })
    ],
    ['a revocation without a token', 400, 'invalid_request', () => revoking('')],
    ['a revocation with two tokens', 400, 'invalid_request', (one) => twice(revoking(one.tokens.refresh), 'token', 'x')],
    ['a revocation by an unknown client', 401, 'invalid_client', (one) => revoking(one.tokens.refresh, { client_id: 'nobody' })]
  ]
  test.each(SCENARIOS)('%s is answered alike (%i %s)', (_, status, error, scenario) => expectAlike(scenario, status, error))

  test.each<[string, number, string | undefined, Record<string, string>]>([
    ['its secret', 200, undefined, { Authorization: LAB }],
    ['a wrong secret', 401, 'invalid_client', { Authorization: basic('lab-app', 'wrong') }]
  ])('a client that authenticates with %s is answered alike', async (_, status, error, headers) => {
    const scenario = (one: Given): Asked =>
      withHeaders(redemption(one, { client_id: undefined, redirect_uri: LAB_APP.redirectUri }), headers)
    await expectAlike(scenario, status, error, pair.visitOf(LAB_APP))
  })

  test.each([
    ['at its last second', 59, 200, undefined],
    ['that has expired', 61, 400, 'invalid_grant']
  ])('a code %s is answered alike', async (_, age, status, error) => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const [first, second] = [await pair.given(), await pair.given()]
    vi.setSystemTime(Date.now() + age * 1000)
    const [ours, theirs] = [
      await pair.ask(pair.keyward.issuer, redemption(first)),
      await pair.ask(pair.engine.url, redemption(second))
    ]
    expect(seen(ours)).toEqual(seen(theirs))
    expect({ status: ours.status, error: ours.error }).toEqual({ status, error })
  })

  test.each<[string, string, number]>([
    ['of the app', new URL(APP_REDIRECT).origin, 200],
    ['of somebody else', 'https://elsewhere.example', 400]
  ])('a page %s is let read, or not, alike', async (_, origin, status) => {
    const { ours, theirs } = await pair.both((one) => withHeaders(redemption(one), { Origin: origin }))
    expect({ ...seen(ours), allowed: ours.allowed }).toEqual({ ...seen(theirs), allowed: theirs.allowed })
    expect({ status: ours.status, allowed: ours.allowed }).toEqual({ status, allowed: status === 200 ? origin : null })
  })

  test.each<[string, (given: Given) => Asked]>([
    ['a code', redemption],
    ['a refresh token', refreshing],
    ['a narrowed refresh', (one) => refreshing(one, { scope: 'openid patient/Patient.rs' })]
  ])('what %s gives is alike: values, records and id_token', async (_, scenario) => {
    const { ours, theirs, first, second } = await pair.both(scenario)
    const { scope, token_type, expires_in } = theirs.body
    expect(ours.body).toMatchObject({ scope, token_type, expires_in })

    const records = async ({ body }: Answered) => {
      const kinds = [
        ['AccessToken', body.access_token],
        ['RefreshToken', body.refresh_token]
      ] as const
      return Promise.all(kinds.map(([kind, id]) => pair.keyward.store.get(engineKind(kind), String(id))))
    }
    const shape = (record: object | undefined) => {
      const { jti, iat, exp, iiat, grantId, nonce, authTime, ...same }: Record<string, unknown> = { ...record }
      return { same, lasts: Number(exp) - Number(iat), names: Object.keys({ ...record }).sort() }
    }
    expect((await records(ours)).map(shape)).toEqual((await records(theirs)).map(shape))
    for (const [answer, { tokens }] of [
      [ours, first],
      [theirs, second]
    ] as const) {
      const record = await pair.keyward.store.get(engineKind('RefreshToken'), tokens.refresh)
      expect(typeof record?.consumed).toBe(scenario === redemption ? 'undefined' : 'number')
      expect((await introspect(pair.keyward.issuer, String(answer.body.access_token))).body.active).toBe(true)
    }

    const idToken = ({ body }: Answered) => {
      const { iat, exp, auth_time, ...claims } = decodeJwt(String(body.id_token))
      return {
        claims,
        lasts: Number(exp) - Number(iat),
        when: typeof auth_time,
        header: decodeProtectedHeader(String(body.id_token))
      }
    }
    expect(idToken(ours)).toEqual(idToken(theirs))
  })

  test.each([
    ['a code', redemption],
    ['a refresh token', refreshing]
  ])('%s that is used twice ends everything, for both', async (_, scenario) => {
    for (const base of [pair.keyward.issuer, pair.engine.url]) {
      const one = await pair.given()
      const { body } = await pair.ask(base, scenario(one))
      expect((await introspect(pair.keyward.issuer, String(body.access_token))).body.active).toBe(true)
      expect((await pair.ask(base, scenario(one))).status).toBe(400)
      expect((await introspect(pair.keyward.issuer, String(body.access_token))).body.active).toBe(false)
      expect(
        (await pair.ask(base, refreshing({ ...one, tokens: { ...one.tokens, refresh: String(body.refresh_token) } }))).status
      ).toBe(400)
    }
  })

  test('what either has issued is good at the other', async () => {
    const one = await pair.given()
    const theirs = await pair.ask(pair.engine.url, redemption(one))
    const ours = await pair.ask(
      pair.keyward.issuer,
      refreshing({ ...one, tokens: { ...one.tokens, refresh: String(theirs.body.refresh_token) } })
    )
    expect(ours.status).toBe(200)
    const again = await pair.ask(
      pair.engine.url,
      refreshing({ ...one, tokens: { ...one.tokens, refresh: String(ours.body.refresh_token) } })
    )
    expect(again.status).toBe(200)
    expect((await introspect(pair.keyward.issuer, String(again.body.access_token))).body).toMatchObject({
      active: true,
      patient: 'leo'
    })
  })
})
