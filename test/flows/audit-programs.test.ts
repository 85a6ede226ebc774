/**
 * Case 140: each decision leaves exactly one record, under the id that its answer carried: UTC time, who, which app,
 * which patient, from where, outcome and reason. Here what programs are answered, one row for each kind, in an order in which it can happen.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorize, basic } from '../harness/app-client.ts'
import { SECRETS } from '../harness/clinic-config.ts'
import { DECIDED, type Decision, expectOneRecord, GRANT_ID, HEART, LEO, subOf } from '../harness/decision.ts'
import { ehrBearer } from '../harness/ehr.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { newWalk, type Walk } from '../harness/walk.ts'

describe.each(STORES)('case 140: what programs are answered, on %s', (store) => {
  let keyward: Keyward
  let maria: Walk
  let sub: { maria: string }
  let tokens: { access_token?: string; refresh_token?: string }
  let code: string
  let spentToken: string | undefined
  beforeAll(async () => {
    keyward = await startKeyward({
      store,
      // Every second use is a reuse.
      change: (config) => ({ ...config, lifetimes: { ...config.lifetimes, refreshRetry: 0 } })
    })
    expect(await storeOf(keyward.issuer)).toBe(store)
    maria = newWalk(keyward.issuer)
    asEhr = { Authorization: await ehrBearer(keyward.issuer), 'Content-Type': 'application/json' }
    sub = { maria: await subOf(keyward, 'maria') }
    code = maria.app.codeFrom(await authorize(maria.browser, maria.app.authorizationUrl()))
  })
  afterAll(() => keyward.stop())

  const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${keyward.issuer}${path}`, { method: 'POST', headers, body: new URLSearchParams(form) })
  let asEhr: Record<string, string>
  const launch = (fhirServer: string, headers = asEhr): Promise<Response> =>
    fetch(`${keyward.issuer}/launch`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ client_id: 'heart-app', fhirServer, patient: 'maria' })
    })
  const redeem = (): Promise<Response> =>
    post('/token', {
      grant_type: 'authorization_code',
      client_id: 'heart-app',
      code,
      redirect_uri: 'http://localhost:9002/app',
      code_verifier: maria.app.verifier
    })
  const refresh = (token = tokens.refresh_token): Promise<Response> =>
    post('/token', { grant_type: 'refresh_token', client_id: 'heart-app', refresh_token: token ?? '' })
  const keep = async (answer: Response): Promise<Response> => {
    tokens = JSON.parse(await answer.clone().text())
    return answer
  }
  const DECISIONS: Decision[] = [
    [
      'tokens for a code',
      async () => keep(await redeem()),
      () => ({
        type: 'token',
        outcome: 'issued',
        grantType: 'authorization_code',
        accountId: sub.maria,
        ...LEO,
        scopes: DECIDED,
        grantId: GRANT_ID
      })
    ],
    [
      'an introspection without a secret',
      () => post('/introspect', { token: 'x' }),
      () => ({ type: 'introspection', outcome: 'refused', reason: 'unauthenticated' })
    ],
    [
      "an introspection of another server's token",
      () =>
        post('/introspect', { token: tokens.access_token ?? '' }, { Authorization: basic('other-fhir', SECRETS['other-fhir']) }),
      () => ({ type: 'introspection', outcome: 'refused', reason: 'not-for-this-caller', clientId: 'other-fhir' })
    ],
    [
      'tokens for a refresh token',
      async () => {
        const before = tokens.refresh_token
        const answer = await keep(await refresh())
        spentToken = before
        return answer
      },
      () => ({
        type: 'token',
        outcome: 'issued',
        grantType: 'refresh_token',
        accountId: sub.maria,
        ...LEO,
        scopes: DECIDED,
        grantId: GRANT_ID
      })
    ],
    [
      'an unknown refresh token',
      () => refresh('unknown'),
      () => ({
        type: 'token',
        outcome: 'refused',
        reason: expect.stringMatching(/^invalid_grant/),
        grantType: 'refresh_token',
        clientId: 'heart-app'
      })
    ],
    [
      'a wrong client secret',
      () => post('/token', { grant_type: 'refresh_token', refresh_token: 'x' }, { Authorization: basic('lab-app', 'wrong') }),
      () => ({
        type: 'token',
        outcome: 'refused',
        reason: expect.stringMatching(/^invalid_client/),
        grantType: 'refresh_token',
        clientId: 'lab-app'
      })
    ],
    [
      "the revocation of another app's token",
      () => post('/revoke', { client_id: 'second-app', token: tokens.refresh_token ?? '' }),
      () => ({ type: 'revocation', outcome: 'refused', reason: 'token-of-another-client', clientId: 'second-app' })
    ],
    [
      'the revocation of no token',
      () => post('/revoke', { client_id: 'heart-app', token: 'x' }),
      () => ({ type: 'revocation', outcome: 'refused', reason: 'no-such-token', clientId: 'heart-app' })
    ],
    [
      'a refresh token a second time',
      () => refresh(spentToken),
      () => ({
        type: 'token-reuse',
        outcome: 'grant-ended',
        what: 'refresh-token',
        accountId: sub.maria,
        grantId: GRANT_ID,
        ...LEO
      })
    ],
    [
      'a code a second time, after new tokens',
      async () => {
        code = maria.app.codeFrom(await authorize(maria.browser, maria.app.authorizationUrl()))
        await redeem()
        return redeem()
      },
      () => ({ type: 'token-reuse', outcome: 'grant-ended', what: 'code', accountId: sub.maria, grantId: GRANT_ID, ...LEO })
    ],
    [
      'a revocation',
      async () => {
        code = maria.app.codeFrom(await authorize(maria.browser, maria.app.authorizationUrl()))
        await keep(await redeem())
        return post('/revoke', { client_id: 'heart-app', token: tokens.refresh_token ?? '' })
      },
      () => ({ type: 'revocation', outcome: 'revoked', accountId: sub.maria, grantId: GRANT_ID, ...LEO })
    ],
    [
      'a launch',
      () => launch('clinic'),
      () => ({ type: 'launch', outcome: 'created', ...HEART, patient: 'maria', ehr: 'clinic-ehr' })
    ],
    [
      'a launch without a token',
      () => launch('clinic', {}),
      () => ({ type: 'launch', outcome: 'refused', reason: 'unauthenticated' })
    ],
    [
      'a launch for a server that is not theirs',
      () => launch('other'),
      () => ({
        type: 'launch',
        outcome: 'refused',
        reason: 'access_denied: this EHR may not create launch contexts for that FHIR server',
        ehr: 'clinic-ehr'
      })
    ]
  ]
  test.each(DECISIONS)('%s', (...decision) => expectOneRecord(keyward, decision))
})
