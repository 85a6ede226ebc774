/** The token endpoint seen from outside: who may read its answers, what it takes, how long refresh tokens last. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { LAB_APP, newVisit, SMALL_APP, tokensIn, withoutSecondFactor } from '../harness/visit.ts'

const DAY = 24 * 60 * 60 * 1000
const APP_ORIGIN = 'http://localhost:9002'

/** The native app may keep refresh tokens as well. */
function withNativeRefresh(config: Config): Config {
  const clients = config.clients.map((client) =>
    client.client_id === SMALL_APP.clientId
      ? { ...client, grant_types: [...client.grant_types, 'refresh_token'], smart_scope: `${client.smart_scope} offline_access` }
      : client
  )
  return withoutSecondFactor({ ...config, clients })
}

describe.each(STORES)('the token endpoint on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withNativeRefresh })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterEach(() => void vi.useRealTimers())
  afterAll(() => keyward?.stop())

  const allowed = (answer: Response) => answer.headers.get('access-control-allow-origin')

  test('SM-004, SM-070: pages of the origin of a registered address read the answer, others do not', async () => {
    const visit = newVisit(keyward)
    for (const [origin, expected] of [
      [APP_ORIGIN, APP_ORIGIN],
      ['https://elsewhere.example', null]
    ] as const) {
      const code = await visit.code()
      const form = { grant_type: 'authorization_code', code, redirect_uri: 'http://localhost:9002/app' }
      const client = { client_id: 'heart-app', code_verifier: visit.app.verifier }
      const answer = await visit.app.post('/token', { ...form, ...client }, { Origin: origin })
      expect({ origin, allowed: allowed(answer) }).toEqual({ origin, allowed: expected })
      expect(answer.status).toBe(expected === null ? 400 : 200)
    }
  })

  test('SM-004: a browser that asks first is told the same, also of an app that proves itself by a header', async () => {
    for (const [origin, expected] of [
      [APP_ORIGIN, APP_ORIGIN],
      ['https://lab.example', 'https://lab.example']
    ] as const) {
      const headers = {
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,content-type'
      }
      const answer = await fetch(`${keyward.issuer}/token`, { method: 'OPTIONS', headers })
      expect({ origin, status: answer.status, allowed: allowed(answer) }).toEqual({ origin, status: 204, allowed: expected })
      expect(answer.headers.get('access-control-allow-methods')).toContain('POST')
      expect(answer.headers.get('access-control-allow-headers')).toMatch(/authorization/i)
    }
  })

  test('SM-007: pages of that origin read errors too', async () => {
    const form = { grant_type: 'refresh_token', refresh_token: 'unknown', client_id: 'heart-app' }
    const answer = await newVisit(keyward).app.post('/token', form, { Origin: APP_ORIGIN })
    expect({ status: answer.status, allowed: allowed(answer) }).toEqual({ status: 400, allowed: APP_ORIGIN })
  })

  test.each(['GET', 'PUT', 'DELETE'])('SM-111: %s gives no token', async (method) => {
    const answer = await fetch(`${keyward.issuer}/token`, { method })
    expect(answer.status).toBe(405)
  })

  test.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x'])(
    'SM-111: a body of %s gives no token',
    async (type) => {
      const visit = newVisit(keyward)
      const code = await visit.code()
      const body = JSON.stringify({ grant_type: 'authorization_code', code, client_id: 'heart-app' })
      const answer = await fetch(`${keyward.issuer}/token`, { method: 'POST', headers: { 'Content-Type': type }, body })
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.status).toBeLessThan(500)
      expect((await visit.app.redeem(code)).status).toBe(200)
    }
  )

  test('SM-113: a client_id in the body that is another than the one that proves itself is refused', async () => {
    const lab = newVisit(keyward, LAB_APP)
    expect((await lab.app.redeem(await lab.code(), { client_id: 'heart-app' })).status).toBeGreaterThanOrEqual(400)
    expect((await lab.app.redeem(await lab.code(), { client_id: 'lab-app' })).status).toBe(200)
  })

  test.each([
    ['SM-114', { code_verifier: undefined }],
    ['SM-114', { code_verifier: '' }],
    ['SM-114', { code_verifier: 'x'.repeat(43) }],
    ['SM-112', { redirect_uri: undefined }],
    ['SM-115', { code: 'BAD_CODE' }],
    ['SM-116', { client_id: 'BAD_CLIENT_ID' }]
  ])('%s, SM-117: with %j there is an error in JSON with a description', async (_id, changes) => {
    const visit = newVisit(keyward)
    const { status, body, headers } = await visit.app.redeem(await visit.code(), changes)
    expect(status).toBe('client_id' in changes ? 401 : 400)
    expect(body.error).toBe(
      'client_id' in changes ? 'invalid_client' : body.error === 'invalid_request' ? body.error : 'invalid_grant'
    )
    expect(body.error_description).toMatch(/\w{3}/)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body).not.toHaveProperty('access_token')
  })

  test.each([
    ['SM-236, SM-238', 'with a secret', LAB_APP],
    ['SM-237, SM-238, mistake 34', 'that is native', SMALL_APP],
    ['SM-238', 'that is public', {}]
  ])('%s: the refresh token of an app %s lasts three months from each use', async (_ids, _kind, options) => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const visit = newVisit(keyward, options)
    let { refresh } = await visit.tokens({ scope: 'openid offline_access launch/patient patient/Patient.r' })
    for (let times = 0; times < 3; times++) {
      vi.setSystemTime(Date.now() + 92 * DAY)
      const next = await visit.app.refresh(refresh)
      expect({ times, status: next.status }).toEqual({ times, status: 200 })
      refresh = tokensIn(next).refresh
    }
  })
})
