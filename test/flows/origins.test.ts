/** Case 11: which pages may read which answer. A page elsewhere, and one without an origin of its own, reads no token. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { introspect } from '../harness/app-client.ts'
import { APP_REDIRECT } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { newVisit, type Visit, withoutSecondFactor } from '../harness/visit.ts'

const EVIL = 'https://evil.example'
const NATIVE = 'com.example.app:/cb'

describe.each(STORES)('Origin on %s', (store) => {
  let keyward: Keyward
  let visit: Visit
  beforeAll(async () => {
    keyward = await startKeyward({
      store,
      // A private-use scheme has no origin: it must not be the one that sandboxed frames say they are.
      change: (config) =>
        withoutSecondFactor({
          ...config,
          clients: config.clients.map((client) =>
            client.client_id === 'small-app' ? { ...client, redirect_uris: [NATIVE] } : client
          )
        })
    })
    expect(await storeOf(keyward.issuer)).toBe(store)
    visit = newVisit(keyward)
    await visit.tokens()
  })
  afterAll(() => keyward?.stop())

  const cors = ({ headers }: Response) => ({
    origin: headers.get('access-control-allow-origin'),
    credentials: headers.get('access-control-allow-credentials')
  })
  const NOBODY = { origin: null, credentials: null }

  test.each([EVIL, 'null', new URL(APP_REDIRECT).origin])(
    'case 11: no page of %s reads /authorize or a step of it',
    async (Origin) => {
      const silent = await visit.browser.send(visit.app.authorizationUrl({ prompt: 'none' }), { headers: { Origin } })
      expect(cors(silent)).toEqual(NOBODY)
      const shown = await visit.browser.send(visit.app.authorizationUrl({ prompt: 'consent' }), { headers: { Origin } })
      expect(cors(shown)).toEqual(NOBODY)
      const step = new URL(shown.headers.get('location') ?? '', keyward.issuer).href
      expect(step).toContain('/interaction/')
      expect(cors(await visit.browser.send(step, { headers: { Origin } }))).toEqual(NOBODY)
      expect(cors(await visit.browser.send(visit.app.authorizationUrl(), { method: 'OPTIONS', headers: { Origin } }))).toEqual(
        NOBODY
      )
    }
  )

  test.each([EVIL, 'null', 'http://localhost:9002.evil.example', 'https://localhost:9002', 'HTTP://LOCALHOST:9002'])(
    'case 11: no page of %s gets a token, and the code is left to its app',
    async (Origin) => {
      const code = await visit.code()
      const form = { grant_type: 'authorization_code', code, redirect_uri: APP_REDIRECT }
      const proof = { client_id: 'heart-app', code_verifier: visit.app.verifier }
      const answer = await visit.app.post('/token', { ...form, ...proof }, { Origin })
      expect({ status: answer.status, ...cors(answer) }).toEqual({ status: 400, ...NOBODY })
      expect(JSON.parse(await answer.text())).not.toHaveProperty('access_token')
      const own = await visit.app.redeem(code)
      expect(own.status).toBe(200)
      expect((await introspect(keyward.issuer, own.body.access_token ?? '')).body.active).toBe(true)
    }
  )

  test('case 11: null is nobody, for an app at an address of its own scheme too', async () => {
    const native = newVisit(keyward, { clientId: 'small-app', redirectUri: NATIVE }, visit.browser)
    const form = { grant_type: 'authorization_code', code: await native.code({ scope: 'openid' }), redirect_uri: NATIVE }
    const proof = { client_id: 'small-app', code_verifier: native.app.verifier }
    const answer = await native.app.post('/token', { ...form, ...proof }, { Origin: 'null' })
    expect({ status: answer.status, ...cors(answer) }).toEqual({ status: 400, ...NOBODY })
    expect((await native.app.post('/token', { ...form, ...proof })).status).toBe(200)
  })

  test('case 11: a page of a registered address reads its token, without credentials of the browser', async () => {
    const form = { grant_type: 'authorization_code', code: await visit.code(), redirect_uri: APP_REDIRECT }
    const proof = { client_id: 'heart-app', code_verifier: visit.app.verifier }
    const { origin } = new URL(APP_REDIRECT)
    const answer = await visit.app.post('/token', { ...form, ...proof }, { Origin: origin })
    expect({ status: answer.status, ...cors(answer) }).toEqual({ status: 200, origin, credentials: null })
  })

  test.each(['/jwks', '/.well-known/openid-configuration', '/fhir/clinic/.well-known/smart-configuration'])(
    'case 11: %s is for everybody, and without credentials',
    async (path) => {
      for (const Origin of [EVIL, 'null']) {
        const answer = await fetch(`${keyward.issuer}${path}`, { headers: { Origin } })
        const { origin, credentials } = cors(answer)
        expect({ status: answer.status, credentials }).toEqual({ status: 200, credentials: null })
        expect(['*', Origin]).toContain(origin)
      }
    }
  )
})
