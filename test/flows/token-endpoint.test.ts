import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { basic, introspect, newApp } from '../harness/app-client.ts'
import { APP_REDIRECT, SECRETS } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { LAB_APP, newVisit, recorded, SMALL_APP, theRecordOf, type Visit, withoutSecondFactor } from '../harness/visit.ts'

describe.each(STORES)('the token endpoint on %s', (store) => {
  let keyward: Keyward
  let visit: Visit
  let lab: Visit
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withoutSecondFactor })
    expect(await storeOf(keyward.issuer)).toBe(store)
    visit = newVisit(keyward)
    lab = newVisit(keyward, LAB_APP, visit.browser)
  })
  afterAll(() => keyward.stop())

  const redemption = (code: string): Record<string, string> => ({
    grant_type: 'authorization_code',
    code,
    redirect_uri: APP_REDIRECT,
    code_verifier: visit.app.verifier,
    client_id: 'heart-app'
  })

  test.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'])(
    'case 35: %s /token is 405 with Allow, and redeems nothing',
    async (method) => {
      const code = await visit.code()
      const records = await recorded(keyward, async () => {
        for (const query of ['', `?${new URLSearchParams(redemption(code))}`]) {
          const answer = await fetch(`${keyward.issuer}/token${query}`, { method })
          expect({ status: answer.status, allow: answer.headers.get('allow') }).toEqual({ status: 405, allow: 'POST' })
          expect(await answer.text()).not.toContain('kw_at_')
        }
      })
      // Nothing was decided, so there is nothing to record.
      expect(records).toEqual([])
      expect(keyward.log.join('')).not.toContain(code)
      expect((await visit.app.redeem(code)).status).toBe(200)
    }
  )

  test.each<[string, string[], string, number]>([
    ['the code', ['code'], 'invalid_request', 400],
    ['the verifier', ['code_verifier'], 'invalid_grant', 400],
    ['the client', ['client_id'], 'invalid_client', 401],
    ['everything', ['grant_type', 'code', 'redirect_uri', 'code_verifier', 'client_id'], 'invalid_client', 401]
  ])('case 35: %s in the query of a POST is not looked at', async (_, names, error, status) => {
    const code = await visit.code()
    const all = Object.entries(redemption(code))
    const query = new URLSearchParams(all.filter(([name]) => names.includes(name)))
    const event = await theRecordOf(keyward, async () => {
      const body = new URLSearchParams(all.filter(([name]) => !names.includes(name)))
      const answer = await fetch(`${keyward.issuer}/token?${query}`, { method: 'POST', body })
      expect({ status: answer.status, error: JSON.parse(await answer.text()).error }).toEqual({ status, error })
    })
    expect(event).toMatchObject({ type: 'token', outcome: 'refused' })
    for (const secret of [code, visit.app.verifier]) expect(keyward.log.join('')).not.toContain(secret)
    expect((await visit.app.redeem(code)).status).toBe(200)
  })

  test('case 35: a client secret in the query of a POST authenticates nobody', async () => {
    const code = await lab.code()
    const query = new URLSearchParams({ client_id: 'lab-app', client_secret: SECRETS['lab-app'] })
    const body = new URLSearchParams({ ...redemption(code), client_id: 'lab-app', redirect_uri: LAB_APP.redirectUri })
    const answer = await fetch(`${keyward.issuer}/token?${query}`, { method: 'POST', body })
    expect({ status: answer.status, error: JSON.parse(await answer.text()).error }).toEqual({
      status: 401,
      error: 'invalid_client'
    })
    expect(keyward.log.join('')).not.toContain(SECRETS['lab-app'])
  })

  const unauthenticated: [string, Record<string, string>, Record<string, string>, number][] = [
    ['no authentication', { client_id: 'lab-app' }, {}, 401],
    ['no client at all', {}, {}, 401],
    ['a wrong secret', {}, { Authorization: basic('lab-app', 'wrong') }, 401],
    ['the secret of another client', {}, { Authorization: basic('lab-app', SECRETS['clinic-fhir']) }, 401],
    ['its secret in the form', { client_id: 'lab-app', client_secret: SECRETS['lab-app'] }, {}, 401],
    ['an empty secret', {}, { Authorization: basic('lab-app', '') }, 401]
  ]
  describe.each(unauthenticated)('case 37: SM-116, SM-121: a confidential client with %s', (_, identity, headers, status) => {
    test.each(['code', 'refresh token', 'revocation'])('is refused at its %s, which stays as it was', async (what) => {
      const tokens = await lab.tokens()
      const code = await lab.code()
      const { client_id: _own, ...exchange } = redemption(code)
      const [path, form] =
        what === 'code'
          ? ['/token', { ...exchange, redirect_uri: LAB_APP.redirectUri, code_verifier: lab.app.verifier }]
          : what === 'refresh token'
            ? ['/token', { grant_type: 'refresh_token', refresh_token: tokens.refresh }]
            : ['/revoke', { token: tokens.refresh }]
      const event = await theRecordOf(keyward, async () => {
        const body = new URLSearchParams({ ...form, ...identity })
        const answer = await fetch(`${keyward.issuer}${path}`, { method: 'POST', body, headers })
        expect({ status: answer.status, error: JSON.parse(await answer.text()).error }).toEqual({
          status,
          error: 'invalid_client'
        })
      })
      expect(event).toMatchObject({ type: path === '/token' ? 'token' : 'revocation', outcome: 'refused' })
      expect((await introspect(keyward.issuer, tokens.access)).body.active).toBe(true)
      expect((await lab.app.refresh(tokens.refresh)).status).toBe(200)
      expect((await lab.app.redeem(code)).status).toBe(200)
    })
  })

  test.each([
    'password',
    'implicit',
    'urn:example:unknown',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
    'urn:ietf:params:oauth:grant-type:device_code',
    'urn:ietf:params:oauth:grant-type:token-exchange',
    'Authorization_Code',
    '__proto__'
  ])('case 38: SM-244: grant type %s is unsupported', async (grant_type) => {
    for (const app of [visit.app, lab.app]) {
      const event = await theRecordOf(keyward, async () => {
        const form = { grant_type, username: 'maria', password: 'x', scope: 'patient/*.rs' }
        const answer = await app.post('/token', { ...form, ...(app === visit.app ? { client_id: 'heart-app' } : {}) })
        expect({ status: answer.status, error: JSON.parse(await answer.text()).error }).toEqual({
          status: 400,
          error: 'unsupported_grant_type'
        })
      })
      expect(event).toMatchObject({ type: 'token', outcome: 'refused', grantType: grant_type })
    }
  })

  test.each([
    ['authorization_code', 'clinic-fhir'],
    ['refresh_token', 'clinic-fhir'],
    ['refresh_token', 'small-app'],
    ['client_credentials', 'clinic-fhir'],
    ['client_credentials', 'small-app']
  ])('case 38: %s is not for %s, which is not registered for it', async (grant_type, clientId) => {
    const { refresh } = await visit.tokens()
    const code = await visit.code()
    const app = newApp(keyward.issuer, clientId === 'small-app' ? SMALL_APP : { clientId, secret: SECRETS['clinic-fhir'] })
    const event = await theRecordOf(keyward, async () => {
      const form = grant_type === 'refresh_token' ? { refresh_token: refresh } : { ...redemption(code), client_id: undefined }
      const answer = await app.post('/token', {
        ...form,
        grant_type,
        ...(clientId === 'small-app' ? { client_id: clientId } : {})
      })
      expect({ status: answer.status, error: JSON.parse(await answer.text()).error }).toEqual({
        status: 400,
        error: 'unauthorized_client'
      })
    })
    expect(event).toMatchObject({ type: 'token', outcome: 'refused', clientId, grantType: grant_type })
    expect((await visit.app.redeem(code)).status).toBe(200)
  })

  test.each(['token', 'id_token', 'code token', 'code id_token', 'id_token token'])(
    'case 38: response_type %s gives no token in an address',
    async (response_type) => {
      const page = await visit.browser.open(visit.app.authorizationUrl({ response_type, nonce: 'n' }))
      const { searchParams, hash } = new URL(page.url)
      const params = hash ? new URLSearchParams(hash.slice(1)) : searchParams
      expect(params.get('error')).toBe('unsupported_response_type')
      expect(page.url).not.toMatch(/access_token=|id_token=|kw_at_|code=/)
    }
  )

  const answers: [string, (code: string, refresh: string) => Record<string, string | undefined>, number][] = [
    ['a code', (code) => redemption(code), 200],
    ['a refresh token', (_, refresh) => ({ grant_type: 'refresh_token', refresh_token: refresh, client_id: 'heart-app' }), 200],
    ['a wrong code', () => redemption('wrong'), 400],
    ['a wrong refresh token', () => ({ grant_type: 'refresh_token', refresh_token: 'wrong', client_id: 'heart-app' }), 400],
    ['an unknown grant type', () => ({ grant_type: 'password', client_id: 'heart-app' }), 400],
    ['a grant type that is not for the client', () => ({ grant_type: 'refresh_token', client_id: 'small-app' }), 400],
    ['an unknown client', (code) => ({ ...redemption(code), client_id: 'nobody' }), 401],
    ['no client', (code) => ({ ...redemption(code), client_id: undefined }), 401],
    ['nothing', () => ({}), 401]
  ]
  describe.each(['application/json', 'text/html', undefined])('case 40: asked with Accept: %s', (accept) => {
    test.each(answers)('SM-117: the answer to %s is JSON that nobody stores', async (_, form, status) => {
      const { refresh } = await visit.tokens()
      const answer = await visit.app.post('/token', form(await visit.code(), refresh), accept ? { Accept: accept } : {})
      expect(answer.status).toBe(status)
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.get('pragma')).toBe('no-cache')
      expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
      expect(JSON.parse(await answer.text())).toHaveProperty(status === 200 ? 'access_token' : 'error')
    })
  })
})
