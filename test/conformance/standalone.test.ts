/** One standalone launch of each kind of app, and each thing that SMART App Launch 2.2 says of its answers. */
import { createRemoteJWKSet, type JWTPayload, jwtVerify, type ProtectedHeaderParameters } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { authorize, basic, introspect, newApp, type TokenResponse } from '../harness/app-client.ts'
import { assertionForm, newClientKey, newService, serviceConfig } from '../harness/backend-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { APP_REDIRECT, FHIR_BASE, SECRETS } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { LAB_APP, newVisit, withoutSecondFactor } from '../harness/visit.ts'

const SCOPE =
  'openid fhirUser offline_access launch/patient patient/Patient.rs patient/Goal.read patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory'
const KEYED_REDIRECT = 'https://keyed.example/cb?tenant=a'
const key = newClientKey('ES384')

function withAsymmetricApp(config: Config): Config {
  const app = serviceConfig('keyed-app', key, {
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: [KEYED_REDIRECT],
    smart_scope: 'openid fhirUser offline_access launch/patient patient/*.cruds'
  })
  return withoutSecondFactor({ ...config, clients: [...config.clients, app] })
}

describe.each(STORES)('a standalone launch on %s', (store) => {
  let keyward: Keyward
  let callback: URL
  let answer: TokenResponse
  let refreshed: TokenResponse
  let token: { payload: JWTPayload; protectedHeader: ProtectedHeaderParameters }
  let seen: Record<string, unknown>
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withAsymmetricApp })
    expect(await storeOf(keyward.issuer)).toBe(store)
    const app = newApp(keyward.issuer)
    const url = app.authorizationUrl({ scope: SCOPE, nonce: 'n-1', prompt: 'consent' })
    const page = await authorize(newBrowser(keyward.issuer), url, { tick: () => true })
    callback = new URL(page.url)
    answer = await app.redeem(app.codeFrom(page))
    seen = (await introspect(keyward.issuer, answer.body.access_token ?? '')).body
    token = await verified(answer.body.id_token)
    refreshed = await app.refresh(answer.body.refresh_token ?? '')
  })
  afterAll(() => keyward?.stop())

  async function verified(idToken: string | undefined) {
    const keys = createRemoteJWKSet(new URL(`${keyward.issuer}/jwks`))
    return jwtVerify(idToken ?? '', keys, { issuer: keyward.issuer, algorithms: ['RS256'] })
  }

  async function documentOf(): Promise<{ capabilities: string[]; introspection_endpoint: string }> {
    const document = await fetch(`${keyward.issuer}/fhir/clinic/.well-known/smart-configuration`)
    return JSON.parse(await document.text())
  }
  const capabilities = async () => (await documentOf()).capabilities

  test('SM-106, SM-085: the app is called at its address with code and state in the query', () => {
    expect(`${callback.origin}${callback.pathname}`).toBe(APP_REDIRECT)
    expect(callback.hash).toBe('')
    expect(callback.searchParams.get('state')).toBe('state-of-the-app')
    expect(callback.searchParams.get('code')).toMatch(/.{20}/)
  })

  test('SM-112, SM-118, SM-142: a public app redeems the code: 200 and a JSON object', () => {
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
    expect(answer.body).toBeInstanceOf(Object)
  })

  test('SM-143, SM-144, SM-145, SM-151, SM-155: the token, its kind, and for how many seconds it lasts', () => {
    expect(answer.body).toMatchObject({ token_type: 'Bearer', access_token: expect.stringMatching(/^[\w.~+/-]+=*$/) })
    expect(answer.body.expires_in).toEqual(expect.any(Number))
    expect(answer.body.expires_in).toBeLessThanOrEqual(3600)
    for (const name of ['access_token', 'token_type', 'scope', 'id_token', 'refresh_token', 'patient'] as const)
      expect(answer.body[name], name).toEqual(expect.any(String))
  })

  test('SM-170: no member of it is a bare name of our own', () => {
    const known = ['access_token', 'expires_in', 'id_token', 'patient', 'refresh_token', 'scope', 'token_type']
    expect(Object.keys(answer.body).sort()).toEqual(known)
  })

  test('SM-153: an access token has 256 random bits', () => {
    const [random = ''] = /[\w-]{43,}$/.exec(answer.body.access_token ?? '') ?? []
    expect(random.length).toBeGreaterThanOrEqual(43)
  })

  test('SM-146, SM-193, SM-195, SM-203, SM-206, SM-209, SM-214: scope is what was asked for and allowed, letter by letter', () => {
    expect(answer.body.scope?.split(' ').sort()).toEqual(SCOPE.split(' ').sort())
  })

  test('SM-149, SM-234: nobody stores an answer with tokens', () => {
    for (const { headers } of [answer, refreshed]) {
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('pragma')).toBe('no-cache')
    }
  })

  test('SM-043, SM-150, SM-156, SM-157: the patient who was picked is at the top, by logical id', async () => {
    expect(answer.body.patient).toBe('leo')
    expect(await capabilities()).toContain('context-standalone-patient')
  })

  test('SM-013, SM-173, SM-178, SM-183, SM-184: the id_token is by the issuer for the app, and says who, when and for which request', () => {
    const { payload } = token
    expect(payload).toMatchObject({ iss: keyward.issuer, aud: 'heart-app', nonce: 'n-1', fhirUser: expect.any(String) })
    expect(payload.sub?.length).toBeLessThanOrEqual(255)
    expect(payload.exp).toBeGreaterThan(payload.iat ?? Infinity)
  })

  test('SM-175, SM-176: it is signed with RS256, and names the key', () => {
    expect(token.protectedHeader).toMatchObject({ alg: 'RS256', kid: expect.stringMatching(/./) })
  })

  test('SM-179: fhirUser is the address of a person at the FHIR server', () => {
    expect(token.payload.fhirUser).toBe(`${FHIR_BASE}/Patient/maria`)
  })

  describe('introspection', () => {
    test('SM-025, SM-256, SM-257, SM-258: answers a posted form with 200, JSON and a boolean, whatever the token', async () => {
      expect(seen.active).toBe(true)
      const address = String((await documentOf()).introspection_endpoint)
      const headers = { Authorization: basic('clinic-fhir', SECRETS['clinic-fhir']) }
      for (const [token, active] of [
        [answer.body.access_token ?? '', true],
        ['invalid_token_value', false]
      ] as const) {
        const told = await fetch(address, { method: 'POST', headers, body: new URLSearchParams({ token }) })
        expect({ status: told.status, type: told.headers.get('content-type') }).toEqual({
          status: 200,
          type: expect.stringMatching(/^application\/json(;|$)/)
        })
        expect(JSON.parse(await told.text()).active).toBe(active)
      }
      expect((await fetch(`${address}?token=x`, { headers })).status).toBe(405)
    })

    test('SM-259: of a token that was refreshed for less, scope is the smaller one', async () => {
      const visit = newVisit(keyward)
      const { refresh } = await visit.tokens()
      const { body } = await visit.app.refresh(refresh, { scope: 'launch/patient patient/Patient.rs' })
      expect(body.scope).toBe('launch/patient patient/Patient.rs')
      expect((await introspect(keyward.issuer, body.access_token ?? '')).body.scope).toBe(body.scope)
    })

    test('SM-259, SM-260, SM-262: repeats scope, client and context', () => {
      expect(seen).toMatchObject({ scope: answer.body.scope, client_id: 'heart-app', patient: answer.body.patient })
    })

    test('SM-261: gives the end in whole seconds, as expires_in has it', () => {
      expect(Number.isInteger(seen.exp)).toBe(true)
      expect(Math.abs(Number(seen.exp) - Date.now() / 1000)).toBeLessThan((answer.body.expires_in ?? 0) + 60)
      expect(Number(seen.exp) - Number(seen.iat)).toBe(answer.body.expires_in)
    })

    test('SM-263, SM-264: iss, sub and fhirUser are those of the id_token', () => {
      const { iss, sub, fhirUser } = token.payload
      expect(seen).toMatchObject({ iss, sub, fhirUser })
    })

    test('SM-265, SM-268, SM-276: of all else it says nothing: unknown, a refresh token, a token of another FHIR server', async () => {
      for (const [text, by] of [
        ['invalid_token_value', 'clinic-fhir'],
        [refreshed.body.refresh_token, 'clinic-fhir'],
        [answer.body.access_token, 'other-fhir']
      ] as const) {
        const { status, text: body } = await introspect(keyward.issuer, text ?? '', by)
        expect({ status, body }).toEqual({ status: 200, body: '{"active":false}' })
      }
    })
  })

  describe('a refresh', () => {
    test('SM-045, SM-148, SM-196, SM-219, SM-222: works with the refresh token that offline_access gave', async () => {
      expect(refreshed.status).toBe(200)
      expect(await capabilities()).toContain('permission-offline')
    })

    test('SM-227: answers access_token, token_type, expires_in and scope', () => {
      expect(refreshed.body).toMatchObject({
        access_token: expect.any(String),
        token_type: 'Bearer',
        expires_in: expect.any(Number)
      })
      expect(refreshed.body.scope).toEqual(expect.any(String))
    })

    test('SM-223, SM-228: gives the same scope where it asks for none', () => {
      expect(refreshed.body.scope).toBe(answer.body.scope)
    })

    test('SM-171, SM-232: repeats the context', () => {
      expect(refreshed.body.patient).toBe('leo')
    })

    test('SM-235: its token works', async () => {
      expect((await introspect(keyward.issuer, refreshed.body.access_token ?? '')).body).toMatchObject({
        active: true,
        patient: 'leo'
      })
    })

    test('SM-185: an id_token that it gives is about the same person', async () => {
      const { payload } = await verified(refreshed.body.id_token)
      const { iss, sub, aud } = token.payload
      expect(payload).toMatchObject({ iss, sub, aud })
    })

    test('SM-224, SM-226: takes the whole granted scope, context and identity scopes among it', async () => {
      const { app, refresh, response } = await visited()
      const again = await app.refresh(refresh, { scope: response.body.scope })
      expect(again.status).toBe(200)
      expect(again.body.scope?.split(' ').sort()).toEqual(response.body.scope?.split(' ').sort())
    })

    test('SM-233: of a token that nobody knows is exactly 400 invalid_grant', async () => {
      const refused = await newApp(keyward.issuer).refresh('d9c4ea4c-94a1-4d64-9f2e-ffb1b1f4fb2a')
      expect({ status: refused.status, error: refused.body.error }).toEqual({ status: 400, error: 'invalid_grant' })
    })

    async function visited() {
      const visit = newVisit(keyward)
      return { app: visit.app, ...(await visit.tokens()) }
    }
  })

  describe('the kinds of app', () => {
    test('SM-035, SM-307: a public app gets an id_token too', async () => {
      expect(token.payload.aud).toBe('heart-app')
      expect(await capabilities()).toContain('client-public')
    })

    test('SM-036, SM-113: an app with a secret proves itself by Basic, without client_id', async () => {
      const { response } = await newVisit(keyward, LAB_APP).tokens()
      expect((await verified(response.body.id_token)).payload.aud).toBe('lab-app')
      expect(await capabilities()).toContain('client-confidential-symmetric')
    })

    test('SM-037, SM-067, SM-110, SM-113, SM-139, SM-308: an app with a key gets its code beside the query of its address, and proves itself by assertions, at each refresh too', async () => {
      const app = newApp(keyward.issuer, { clientId: 'keyed-app', redirectUri: KEYED_REDIRECT })
      const { assertion } = newService(keyward.issuer, 'keyed-app', key)
      const page = await authorize(newBrowser(keyward.issuer), app.authorizationUrl())
      expect(new URL(page.url).searchParams.get('tenant')).toBe('a')
      const first = await app.redeem(app.codeFrom(page), { client_id: undefined, ...assertionForm(assertion()) })
      expect({ status: first.status, error: first.body.error_description }).toEqual({ status: 200, error: undefined })
      expect((await verified(first.body.id_token)).payload.aud).toBe('keyed-app')
      const next = await app.refresh(first.body.refresh_token ?? '', { client_id: undefined, ...assertionForm(assertion()) })
      expect(next.status).toBe(200)
      expect(await capabilities()).toContain('client-confidential-asymmetric')
    })

    test('SM-033, SM-038, SM-047, SM-075: none of these launches had a launch parameter', async () => {
      const listed = await capabilities()
      for (const one of ['launch-standalone', 'sso-openid-connect', 'permission-patient']) expect(listed).toContain(one)
      expect(answer.body.scope).toContain('patient/Patient.rs')
    })
  })
})
