import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AppClient, newApp } from '../harness/app-client.ts'
import { type Alg, assertionForm, type Changes, claimsOf, encoded, newClientKey, signed } from '../harness/backend-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { FHIR_BASE } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { allowedBrowser, CLINICIAN_SCOPE, paramsOf } from '../harness/refusals.ts'
import { recorded } from '../harness/visit.ts'

const REDIRECT = 'https://signing.example/cb'
const keys = { RS384: newClientKey('RS384', 'rsa-1'), ES384: newClientKey('ES384', 'ec-1') }
const stranger = newClientKey('RS384', 'rsa-1')

describe.each(STORES)('authorization requests that the app has signed, on %s', (store) => {
  let keyward: Keyward
  let app: AppClient
  /** Signed in, and everything allowed to the app that signs. */
  let browser: Browser
  beforeAll(async () => {
    keyward = await startKeyward({
      store,
      change: (config) => {
        const [heart] = config.clients.filter(({ client_id }) => client_id === 'heart-app')
        if (!heart) throw new Error('the clinic has no Heart App')
        const signing = {
          ...heart,
          client_id: 'signing-app',
          redirect_uris: [REDIRECT],
          token_endpoint_auth_method: 'private_key_jwt' as const,
          jwks: { keys: [keys.RS384.jwk, keys.ES384.jwk] }
        }
        return { ...config, clients: [...config.clients, signing] }
      }
    })
    expect(await storeOf(keyward.issuer)).toBe(store)
    app = newApp(keyward.issuer, { clientId: 'signing-app', redirectUri: REDIRECT })
    browser = await allowedBrowser(keyward, app, newBrowser(keyward.issuer))
  })
  afterAll(() => keyward.stop())

  /** What stands in the object: the parameters of the app, and what says from whom and to whom it is. */
  function claims(changes: Changes = {}): Changes {
    const { aud, ...params } = paramsOf(app.authorizationUrl({ scope: CLINICIAN_SCOPE }))
    const { sub, jti, ...about } = claimsOf('signing-app', keyward.issuer)
    return { ...params, resource: aud, ...about, ...changes }
  }
  const urlOf = (request: string, beside: Record<string, string> = {}): string =>
    `${keyward.issuer}/authorize?${new URLSearchParams({ client_id: 'signing-app', request, ...beside })}`

  async function refusalOf(url: string): Promise<{ status: number; location: string | null }> {
    let answer: Response | undefined
    const records = await recorded(keyward, async () => {
      answer = await browser.send(url)
    })
    expect(records.map(({ event }) => event)).toEqual([
      expect.objectContaining({ type: 'authorization', outcome: 'refused', reason: expect.stringMatching(/^request: /) })
    ])
    return { status: answer?.status ?? 0, location: answer?.headers.get('Location') ?? null }
  }
  const REFUSED = { status: 400, location: null }

  test.each<Alg>(['RS384', 'ES384'])('SM-095, RFC 9101: one signed by %s is what it says, with resource for aud', async (alg) => {
    const callback = await browser.open(urlOf(signed(keys[alg], claims(), { typ: 'oauth-authz-req+jwt' })))
    const assertion = signed(keys.RS384, claimsOf('signing-app', `${keyward.issuer}/token`))
    const { status, body } = await app.redeem(app.codeFrom(callback), { ...assertionForm(assertion), client_id: undefined })
    expect({ status, type: body.token_type }).toEqual({ status: 200, type: 'Bearer' })
  })

  test('case 151: parameters outside of it are ignored', async () => {
    const beside = { scope: 'openid', state: 'other', redirect_uri: 'https://evil.example/cb', aud: 'https://evil.example' }
    const callback = await browser.open(urlOf(signed(keys.RS384, claims()), beside))
    expect(callback.url.startsWith(`${REDIRECT}?`)).toBe(true)
    expect(paramsOf(callback.url)).toMatchObject({ state: 'state-of-the-app', code: expect.any(String) })
  })

  test('case 151: it may be pushed, and is then good once', async () => {
    const form = { ...assertionForm(signed(keys.RS384, claimsOf('signing-app', keyward.issuer))) }
    const answer = await fetch(`${keyward.issuer}/par`, {
      method: 'POST',
      body: new URLSearchParams({ ...form, request: signed(keys.RS384, claims()) })
    })
    expect(answer.status).toBe(201)
    const { request_uri }: { request_uri: string } = JSON.parse(await answer.text())
    const url = `${keyward.issuer}/authorize?${new URLSearchParams({ client_id: 'signing-app', request_uri })}`
    expect((await browser.open(url)).url).toContain('code=')
    expect((await browser.send(url)).status).toBe(400)
  })

  test('case 151: pushed with a signature of somebody else it is invalid_request_object', async () => {
    const form = { ...assertionForm(signed(keys.RS384, claimsOf('signing-app', keyward.issuer))) }
    const answer = await fetch(`${keyward.issuer}/par`, {
      method: 'POST',
      body: new URLSearchParams({ ...form, request: signed(stranger, claims()) })
    })
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: 'invalid_request_object' }])
  })

  const unsigned = (value: Changes): string => `${encoded({ alg: 'none', typ: 'JWT' })}.${encoded(value)}.`
  const now = (): number => Math.floor(Date.now() / 1000)
  test.each<[string, () => string]>([
    ['unsigned', () => unsigned(claims())],
    ['unsigned, under a name of its own', () => `${encoded({ alg: 'None', kid: 'rsa-1' })}.${encoded(claims())}.AAAA`],
    ['no JWT', () => 'a request'],
    ['signed by another key under the same kid', () => signed(stranger, claims())],
    ['signed under an unknown kid', () => signed(keys.RS384, claims(), { kid: 'rsa-2' })],
    ['without a kid', () => signed(keys.RS384, claims(), { kid: undefined })],
    ['by an algorithm of secrets', () => signed(keys.RS384, claims(), { alg: 'HS256' })],
    ['with a key in its header', () => signed(stranger, claims(), { jwk: stranger.jwk })],
    ['with a foreign jku', () => signed(keys.RS384, claims(), { jku: 'https://evil.example/jwks.json' })],
    ['of another client', () => signed(keys.RS384, claims({ iss: 'heart-app' }))],
    ['with another client_id inside', () => signed(keys.RS384, claims({ client_id: 'heart-app' }))],
    ['for another server', () => signed(keys.RS384, claims({ aud: 'https://other.example' }))],
    ['with the FHIR server as aud', () => signed(keys.RS384, claims({ aud: FHIR_BASE }))],
    ['that has ended', () => signed(keys.RS384, claims({ exp: now() - 60 }))],
    ['without an end', () => signed(keys.RS384, claims({ exp: undefined }))],
    ['that is not good yet', () => signed(keys.RS384, claims({ nbf: now() + 600 }))],
    ['with another request in it', () => signed(keys.RS384, claims({ request_uri: 'https://evil.example/r' }))],
    ['that is an assertion of the client', () => signed(keys.RS384, claimsOf('signing-app', keyward.issuer))],
    [
      'changed after signing',
      () => signed(keys.RS384, claims()).replace(/\.[\w-]+\./, `.${encoded(claims({ state: 'other' }))}.`)
    ]
  ])('case 151: %s, it is refused on a page, and nobody is sent anywhere', async (_name, request) => {
    expect(await refusalOf(urlOf(request()))).toEqual(REFUSED)
  })

  test('case 151: an app that has registered no key can’t send one', async () => {
    const url = `${keyward.issuer}/authorize?${new URLSearchParams({ client_id: 'heart-app', request: unsigned(claims()) })}`
    expect(await refusalOf(url)).toEqual(REFUSED)
  })
})
