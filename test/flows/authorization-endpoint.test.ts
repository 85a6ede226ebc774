import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineKind } from '../../src/oidc/engine-records.ts'
import { type AppClient, newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { APP_REDIRECT, FHIR_BASE } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import {
  allowedBrowser,
  CLINICIAN_SCOPE,
  expectErrorAt,
  expectPageWithoutRedirect,
  paramsOf,
  recordsOf,
  refused
} from '../harness/refusals.ts'

const MARKUP = '"><script>alert(1)</script>'
const TWO_REDIRECTS = ['http://localhost:9005/cb', 'http://localhost:9005/cb2'] as const

describe.each(STORES)('authorization endpoint on %s', (store) => {
  let keyward: Keyward
  let app: AppClient
  /** Signed in, and everything allowed: nothing but the request itself can be what is refused. */
  let browser: Browser
  beforeAll(async () => {
    keyward = await startKeyward({ store })
    expect(await storeOf(keyward.issuer)).toBe(store)
    app = newApp(keyward.issuer)
    browser = await allowedBrowser(keyward, app)
  })
  afterAll(() => keyward.stop())

  const straight = { scope: CLINICIAN_SCOPE }

  test('a request in which nothing is wrong gives a code at once, and one record says to whom', async () => {
    const { done, records } = await recordsOf(keyward, () => browser.send(app.authorizationUrl(straight)))
    expect(paramsOf(done.headers.get('Location') ?? '')).toMatchObject({ code: expect.stringMatching(/^kw_ac_/) })
    expect(records).toMatchObject([
      { event: { type: 'authorization', outcome: 'granted', clientId: 'heart-app', fhirServer: 'clinic' } }
    ])
    expect(records[0]?.source.requestId).toBe(done.headers.get('X-Request-Id'))
    expect(records[0]?.event).toHaveProperty('accountId', expect.any(String))
  })

  describe('an app that is not known', () => {
    test.each<[string, Record<string, string | undefined>]>([
      ['an unknown client_id', { client_id: 'no-such-app' }],
      [
        'an unknown client_id and a redirect_uri elsewhere',
        { client_id: 'no-such-app', redirect_uri: 'https://evil.example/cb' }
      ],
      ['a client_id with markup', { client_id: MARKUP, state: MARKUP, scope: 'openid' }],
      ['no client_id', { client_id: undefined }],
      ['no client_id, and a redirect_uri elsewhere', { client_id: undefined, redirect_uri: 'https://evil.example/cb' }],
      ['an empty client_id', { client_id: '' }],
      ['a client_id in other letters', { client_id: 'Heart-App' }],
      ['a client that signs nobody in', { client_id: 'clinic-fhir' }],
      ['no redirect_uri', { redirect_uri: undefined }],
      ["Keyward's own client, and a redirect_uri elsewhere", { client_id: 'keyward-account' }]
    ])('case 1: SM-063, SM-082: %s ends on a page at the server', async (_name, change) => {
      const answer = await refused(keyward, app.authorizationUrl({ ...straight, ...change }), { browser })
      expectPageWithoutRedirect(answer)
      expect(answer.html).not.toContain('<script>alert')
    })

    test('case 1: SM-082: a program is told in JSON, with nothing of what it sent', async () => {
      const response = await fetch(app.authorizationUrl({ client_id: MARKUP }), { headers: { Accept: 'application/json' } })
      expect(response.status).toBe(400)
      expect(response.headers.get('Content-Type')).toMatch(/^application\/json/)
      expect(await response.text()).not.toContain('<script>')
    })
  })

  describe('a response_type other than code', () => {
    const others = [
      'token',
      'id_token',
      'code token',
      'code id_token',
      'id_token token',
      'code id_token token',
      'none',
      'CODE',
      'device'
    ]
    test.each(others)('case 2: SM-081: %s is unsupported', async (response_type) => {
      const url = app.authorizationUrl({ ...straight, response_type, nonce: 'n-1' })
      const answer = await refused(keyward, url, { browser, clientId: 'heart-app' })
      expectErrorAt(answer, APP_REDIRECT, 'unsupported_response_type')
    })

    test('case 2: SM-081: none at all is an invalid request', async () => {
      const answer = await refused(keyward, app.authorizationUrl({ ...straight, response_type: undefined }), { browser })
      expectErrorAt(answer, APP_REDIRECT, 'invalid_request')
    })

    test('case 2: parameters added where the request is resumed change nothing', async () => {
      const resume = await resumeUrl()
      const tampered = '?response_type=token&response_mode=fragment&scope=system/*.cruds&redirect_uri=https://evil.example/'
      const location = (await browser.send(`${resume}${tampered}`)).headers.get('Location') ?? ''
      expect(location).toMatch(new RegExp(`^${APP_REDIRECT}\\?code=kw_ac_`))
      expect(Object.keys(paramsOf(location)).sort()).toEqual(['code', 'iss', 'state'])
      const { body } = await app.redeem(new URL(location).searchParams.get('code') ?? '')
      expect(body.scope?.split(' ').sort()).toEqual(CLINICIAN_SCOPE.split(' ').sort())
    })

    test.each(others)('case 2: %s written into the stored interaction is refused when it is resumed', async (response_type) => {
      const resume = await resumeUrl()
      const uid = new URL(resume).pathname.split('/').at(-1) ?? ''
      const kind = engineKind('Interaction')
      const stored = await keyward.store.get(kind, uid)
      if (!stored?.params) throw new Error('the interaction is not stored under the id in its address')
      const expiresAt = Date.now() + 60_000
      await keyward.store.put(kind, uid, { ...stored, params: { ...stored.params, response_type } }, { expiresAt })
      expectErrorAt(await refused(keyward, resume, { browser }), APP_REDIRECT, 'unsupported_response_type')
    })

    /** Where a request that the person has just agreed to goes on. */
    async function resumeUrl(): Promise<string> {
      await browser.open(app.authorizationUrl({ ...straight, prompt: 'consent' }))
      const { action, hidden, checkboxes } = browser.form()
      const body = new URLSearchParams({ ...hidden, decision: 'allow' })
      for (const { name, value } of checkboxes) body.append(name, value)
      const response = await browser.send(action, { method: 'POST', body, headers: { Origin: keyward.issuer } })
      expect(response.status).toBe(303)
      return new URL(response.headers.get('Location') ?? '', keyward.issuer).href
    }
  })

  describe('a parameter that is sent twice', () => {
    const second = () => newApp(keyward.issuer, { clientId: 'second-app', redirectUri: TWO_REDIRECTS[0] })
    const twice = (name: string, value: string) => `${second().authorizationUrl()}&${new URLSearchParams({ [name]: value })}`

    test.each([
      ['client_id', 'second-app'],
      ['client_id', 'heart-app'],
      ['redirect_uri', TWO_REDIRECTS[0]],
      ['redirect_uri', TWO_REDIRECTS[1]],
      ['redirect_uri', 'https://evil.example/cb']
    ])('case 3: %s, the second time %s, is answered without a redirect', async (name, value) => {
      expectPageWithoutRedirect(await refused(keyward, twice(name, value)))
    })

    test.each([
      ['response_type', 'code'],
      ['response_type', 'token'],
      ['scope', 'openid'],
      ['state', 'state-of-the-app'],
      ['aud', FHIR_BASE],
      ['aud', 'https://evil.example/fhir'],
      ['code_challenge', 'a'.repeat(43)],
      ['code_challenge_method', 'S256']
    ])('case 3: %s, the second time %s, is an invalid request', async (name, value) => {
      const answer = await refused(keyward, twice(name, value), { clientId: 'second-app' })
      expectErrorAt(answer, TWO_REDIRECTS[0], 'invalid_request')
    })

    // None of these is in the request as it starts.
    test.each([
      'nonce',
      'prompt',
      'launch',
      'max_age',
      'response_mode',
      'login_hint',
      'id_token_hint',
      'ui_locales',
      'acr_values'
    ])('case 3: %s twice is an invalid request', async (name) => {
      const answer = await refused(keyward, `${twice(name, '1')}&${name}=2`, { clientId: 'second-app' })
      expectErrorAt(answer, TWO_REDIRECTS[0], 'invalid_request')
    })

    test('case 3: a parameter in the query and another in a body give nothing', async () => {
      const url = second().authorizationUrl()
      const posted = await newBrowser(keyward.issuer).send(url, {
        method: 'POST',
        body: new URLSearchParams({ redirect_uri: TWO_REDIRECTS[1] })
      })
      const response = await newBrowser(keyward.issuer).send(new URL(posted.headers.get('Location') ?? '', keyward.issuer).href)
      expect(response.status).toBeGreaterThanOrEqual(400)
      expect(response.status).toBeLessThan(500)
      expect(response.headers.get('Location')).toBeNull()
    })
  })
})
