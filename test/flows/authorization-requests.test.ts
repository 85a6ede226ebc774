import { createServer } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type AppClient, basic, introspect, newApp } from '../harness/app-client.ts'
import type { Browser } from '../harness/browser.ts'
import { FHIR_BASE } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { forward } from '../harness/on-pages.ts'
import { allowedBrowser, CLINICIAN_SCOPE, paramsOf } from '../harness/refusals.ts'
import { LAB_APP, recorded } from '../harness/visit.ts'

const CROSS_SITE = { Origin: 'https://app.example', 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }

describe.each(STORES)('the ways an authorization request arrives, on %s', (store) => {
  let keyward: Keyward
  let app: AppClient
  /** Signed in, and everything allowed. */
  let browser: Browser
  beforeAll(async () => {
    keyward = await startKeyward({ store })
    expect(await storeOf(keyward.issuer)).toBe(store)
    app = newApp(keyward.issuer)
    browser = await allowedBrowser(keyward, app)
  })
  afterAll(() => keyward.stop())
  afterEach(() => vi.useRealTimers())

  const params = (client: AppClient = app, changes: Record<string, string | undefined> = {}): URLSearchParams =>
    new URL(client.authorizationUrl({ scope: CLINICIAN_SCOPE, ...changes })).searchParams

  describe('by POST', () => {
    /** As a page of the app does it: from elsewhere, so that no cookie comes along. */
    function send(body: URLSearchParams, query = ''): Promise<Response> {
      return fetch(`${keyward.issuer}/authorize${query}`, { method: 'POST', body, headers: CROSS_SITE, redirect: 'manual' })
    }
    const locationOf = (answer: Response): string => new URL(answer.headers.get('Location') ?? '', keyward.issuer).href

    test('SM-034, SM-079, mistake 15: the answer is 303 to GET, where the session is known again, and the app gets its code', async () => {
      const answer = await send(params())
      expect(answer.status).toBe(303)
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.getSetCookie()).toEqual([])
      expect(locationOf(answer)).not.toContain('state-of-the-app')
      const callback = await browser.open(locationOf(answer))
      const { body } = await app.redeem(app.codeFrom(callback))
      expect((await introspect(keyward.issuer, body.access_token ?? '')).body.active).toBe(true)
    })

    test('SM-080: what stands in the query of the address is kept', async () => {
      const posted = params()
      posted.delete('state')
      const answer = await send(posted, '?tenant=north&state=from-the-query')
      const callback = await browser.open(locationOf(answer))
      expect(paramsOf(callback.url)).toMatchObject({ state: 'from-the-query', code: expect.any(String) })
    })

    test('SM-093: a list of scopes that no address could hold is read like any other', async () => {
      const many = Array.from(
        { length: 400 },
        (_, i) => `user/Observation.rs?category=http://example.org/kinds|${i}-of-a-long-name`
      )
      const posted = params(app, { scope: [CLINICIAN_SCOPE, ...many].join(' ') })
      expect(String(posted).length).toBeGreaterThan(16 * 1024)
      const page = await browser.open(locationOf(await send(posted)))
      expect(page.status).toBe(200)
      expect(page.step).toBe('consent')
    })

    test('case 3: a parameter in the query and in the body is one sent twice', async () => {
      const callback = await browser.open(locationOf(await send(params(), '?scope=openid')))
      expect(paramsOf(callback.url)).toMatchObject({ error: 'invalid_request' })
    })

    test('what was posted is good once, and for a minute', async () => {
      vi.useFakeTimers({ toFake: ['Date'] })
      const location = locationOf(await send(params()))
      expect((await browser.open(location)).url).toContain('code=')
      const again = await browser.send(location)
      expect(again.status).toBe(400)
      expect(again.headers.has('Location')).toBe(false)
      const late = locationOf(await send(params()))
      forward(61_000)
      const records = await recorded(keyward, async () => expect((await browser.send(late)).status).toBe(400))
      expect(records.map(({ event }) => event)).toEqual([
        { type: 'authorization', outcome: 'refused', reason: 'request-uri-unknown-or-used' }
      ])
    })

    test.each([
      ['JSON', 'application/json', '{}', 415],
      ['a form of several parts', 'multipart/form-data; boundary=x', '--x--', 415],
      ['more than anybody sends', 'application/x-www-form-urlencoded', `scope=${'a'.repeat(57 * 1024)}`, 413],
      ['more fields than anybody sends', 'application/x-www-form-urlencoded', 'a=b&'.repeat(600), 400]
    ])('%s is refused', async (_name, type, body, status) => {
      const answer = await fetch(`${keyward.issuer}/authorize`, { method: 'POST', headers: { 'Content-Type': type }, body })
      expect(answer.status).toBe(status)
    })
  })

  describe('pushed', () => {
    const lab = newApp('http://unused.example', LAB_APP)
    const labKey = basic(LAB_APP.clientId, LAB_APP.secret)
    const identified = (client: AppClient = app, changes: Record<string, string | undefined> = {}) => params(client, changes)

    async function push(form: URLSearchParams, authorization?: string) {
      const answer = await fetch(`${keyward.issuer}/par`, {
        method: 'POST',
        body: form,
        headers: authorization ? { Authorization: authorization } : {}
      })
      const body: { request_uri?: string; expires_in?: number; error?: string; error_description?: string } = JSON.parse(
        await answer.text()
      )
      return { status: answer.status, headers: answer.headers, body }
    }
    const urlFor = (clientId: string, requestUri: string | undefined): string =>
      `${keyward.issuer}/authorize?${new URLSearchParams({ client_id: clientId, request_uri: requestUri ?? '' })}`

    test.each([
      ['a public app', undefined],
      ['an app with a secret', labKey]
    ])('RFC 9126: %s pushes its request, aud and all, and sends the browser with the id alone', async (_name, authorization) => {
      const client = authorization ? newApp(keyward.issuer, LAB_APP) : app
      const id = authorization ? LAB_APP.clientId : 'heart-app'
      const { status, headers, body } = await push(identified(client), authorization)
      expect(status).toBe(201)
      expect(headers.get('cache-control')).toBe('no-store')
      expect(body).toEqual({
        request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:[\w-]{43}$/),
        expires_in: 60
      })
      const page = await browser.open(urlFor(id, body.request_uri))
      const callback = page.step === 'consent' ? await browser.submit({ decision: 'allow' }) : page
      expect((await client.redeem(client.codeFrom(callback))).body).toMatchObject({ token_type: 'Bearer' })
    })

    test('case 150: it is good for the client that pushed it, once, and for a minute', async () => {
      vi.useFakeTimers({ toFake: ['Date'] })
      const first = await push(identified())
      const foreign = await browser.send(urlFor('second-app', first.body.request_uri))
      expect([foreign.status, foreign.headers.has('Location')]).toEqual([400, false])
      expect((await browser.open(urlFor('heart-app', first.body.request_uri))).url).toContain('code=')
      const again = await browser.send(urlFor('heart-app', first.body.request_uri))
      expect([again.status, again.headers.has('Location')]).toEqual([400, false])
      for (const late of [61_000, 90_000]) {
        const { body } = await push(identified())
        forward(late)
        expect((await browser.send(urlFor('heart-app', body.request_uri))).status).toBe(400)
      }
    })

    test('case 150: parameters beside request_uri change nothing', async () => {
      const { body } = await push(identified())
      const callback = await browser.open(
        `${urlFor('heart-app', body.request_uri)}&state=other&redirect_uri=https://evil.example`
      )
      expect(paramsOf(callback.url)).toMatchObject({ state: 'state-of-the-app', code: expect.any(String) })
    })

    test.each<[string, () => URLSearchParams, string | undefined, number, string]>([
      ['without authentication of a client with a secret', () => identified(lab), undefined, 401, 'invalid_client'],
      ['with a wrong secret', () => identified(lab), basic('lab-app', 'wrong'), 401, 'invalid_client'],
      ['by an unknown client', () => identified(app, { client_id: 'nobody' }), undefined, 401, 'invalid_client'],
      ['for another client than the one that authenticates', () => identified(app), labKey, 400, 'invalid_request'],
      ['without PKCE', () => identified(app, { code_challenge: undefined }), undefined, 400, 'invalid_request'],
      ['with plain PKCE', () => identified(app, { code_challenge_method: 'plain' }), undefined, 400, 'invalid_request'],
      [
        'with a foreign redirect_uri',
        () => identified(app, { redirect_uri: 'https://evil.example' }),
        undefined,
        400,
        'invalid_request'
      ],
      ['for a token at once', () => identified(app, { response_type: 'token' }), undefined, 400, 'unsupported_response_type'],
      ['for another FHIR server', () => identified(app, { aud: 'https://evil.example/fhir' }), undefined, 400, 'invalid_request'],
      ['without aud', () => identified(app, { aud: undefined }), undefined, 400, 'invalid_request'],
      ['with a request_uri', () => identified(app, { request_uri: 'https://evil.example/r' }), undefined, 400, 'invalid_request'],
      [
        'with a parameter twice',
        () => new URLSearchParams([...identified(), ['scope', 'openid']]),
        undefined,
        400,
        'invalid_request'
      ]
    ])(
      'case 37, case 140, case 150: %s it is refused, and one record says so',
      async (_name, form, authorization, status, error) => {
        const records = await recorded(keyward, async () => {
          const answer = await push(form(), authorization)
          expect({ status: answer.status, error: answer.body.error }).toEqual({ status, error })
          expect(answer.body.error_description).toMatch(/\w/)
        })
        expect(records.map(({ event }) => event)).toEqual([
          expect.objectContaining({ type: 'authorization', outcome: 'refused' })
        ])
      }
    )

    test('GET is answered by 405', async () => {
      const answer = await fetch(`${keyward.issuer}/par`)
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
    })

    test('case 150: a request_uri that is an address is refused, and nobody fetches it', async () => {
      let fetched = 0
      const elsewhere = createServer((_req, res) => {
        fetched += 1
        res.end()
      })
      await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
      const address = elsewhere.address()
      const port = typeof address === 'object' && address ? address.port : 0
      try {
        const url = app.authorizationUrl({ scope: CLINICIAN_SCOPE, request_uri: `http://127.0.0.1:${port}/request.jwt` })
        const answer = await browser.send(url)
        expect(paramsOf(answer.headers.get('Location') ?? `${keyward.issuer}/`)).not.toHaveProperty('code')
        expect(paramsOf(answer.headers.get('Location') ?? '')).toMatchObject({ error: 'request_uri_not_supported' })
        expect(fetched).toBe(0)
      } finally {
        elsewhere.close()
      }
    })
  })

  test.each([
    '/fhir/clinic/.well-known/smart-configuration',
    '/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server'
  ])('SM-034: %s says what is taken', async (path) => {
    const document: Record<string, unknown> = JSON.parse(await (await fetch(`${keyward.issuer}${path}`)).text())
    expect(document.pushed_authorization_request_endpoint).toBe(`${keyward.issuer}/par`)
    if (path.startsWith('/fhir/')) expect(document.capabilities).toContain('authorize-post')
    else
      expect(document).toMatchObject({
        request_parameter_supported: true,
        request_uri_parameter_supported: false,
        request_object_signing_alg_values_supported: ['RS384', 'ES384']
      })
  })

  test('SM-087: aud by its other name, resource, is accepted; where both stand they must agree', async () => {
    const resource = app.authorizationUrl({ scope: CLINICIAN_SCOPE, resource: FHIR_BASE })
    expect((await browser.open(resource)).url).toContain('code=')
    const other = app.authorizationUrl({ scope: CLINICIAN_SCOPE, resource: 'http://localhost:9011/fhir' })
    expect(paramsOf((await browser.open(other)).url)).toMatchObject({ error: 'invalid_target' })
  })
})
