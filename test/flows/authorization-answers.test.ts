import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AppClient, newApp, totpCode } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { APP_REDIRECT, PASSWORD } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { allowedBrowser, CLINICIAN_SCOPE, expectErrorAt, paramsOf, recordsOf, refused } from '../harness/refusals.ts'

const OPAQUE: [string, string][] = [
  ['markup', '"><script>alert(1)</script><img src=x onerror=alert(1)>'],
  ['CRLF and a header', 'a\r\nSet-Cookie: evil=1\r\n\r\n<html>'],
  ['a NUL', 'before\0after'],
  ['4 KiB of Unicode', '\u20ac\u{1f600}\u0e2d\u05d0e\u0301'.repeat(274)],
  ['what an address is made of', '&code=evil#fragment?x=y%00%41+ =;/\\'],
  ['spaces around it', '  a b  '],
  ['a template', '<%= it.csrf %>{{organization}}']
]

describe.each(STORES)('answers of the authorization endpoint on %s', (store) => {
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

  const ask = (params: Record<string, string | undefined>) =>
    browser.send(app.authorizationUrl({ scope: CLINICIAN_SCOPE, ...params }))

  describe.each(OPAQUE)('with %s', (_what, text) => {
    test('case 7: SM-085: state comes back letter by letter with a code', async () => {
      const response = await ask({ state: text })
      const params = paramsOf(response.headers.get('Location') ?? '')
      expect(params.state).toBe(text)
      expect(Object.keys(params).sort()).toEqual(['code', 'iss', 'state'])
      expect(response.headers.getSetCookie().join()).not.toContain('evil=')
      expect(await response.text()).not.toMatch(/<script|<img/)
    })

    test('case 7: SM-184: the nonce comes back letter by letter in the id_token', async () => {
      const { code = '' } = paramsOf((await ask({ nonce: text })).headers.get('Location') ?? '')
      expect(decodeJwt((await app.redeem(code)).body.id_token ?? '').nonce).toBe(text)
    })

    test('case 7: SM-085: state comes back letter by letter with an error', async () => {
      const url = app.authorizationUrl({ scope: CLINICIAN_SCOPE, aud: undefined, state: text })
      const { params, html } = await refused(keyward, url, { browser, clientId: 'heart-app' })
      expect(params.state).toBe(text)
      expect(Object.keys(params).sort()).toEqual(['error', 'error_description', 'iss', 'state'])
      expect(html).not.toMatch(/<script|<img/)
    })

    test('case 7: no page shows it as anything but text', async () => {
      const stranger = newBrowser(keyward.issuer)
      const login = await stranger.open(app.authorizationUrl({ state: text }))
      const refusal = await stranger.open(app.authorizationUrl({ client_id: text }))
      expect([login.status, refusal.status]).toEqual([200, 400])
      for (const { html } of [login, refusal]) expect(html).not.toMatch(/<script(?! nonce)|<img|<html>/)
    })
  })

  test('case 7: a state of 4 KiB or more is kept whole', () => {
    const [, long] = OPAQUE.find(([what]) => what.startsWith('4 KiB')) ?? ['', '']
    expect(Buffer.byteLength(long)).toBeGreaterThanOrEqual(4096)
  })

  describe('iss', () => {
    test('case 8: comes with a code', async () => {
      expect(paramsOf((await ask({})).headers.get('Location') ?? '')).toMatchObject({ iss: keyward.issuer })
    })

    test.each<[string, Record<string, string | undefined>]>([
      ['unsupported_response_type', { response_type: 'token' }],
      ['invalid_request', { code_challenge: undefined }],
      ['invalid_scope', { scope: 'admin' }],
      ['invalid_target', { resource: 'https://evil.example/fhir' }],
      ['login_required', { prompt: 'none', max_age: '0' }],
      ['consent_required', { prompt: 'none', scope: `${CLINICIAN_SCOPE} user/Condition.rs` }]
    ])('case 8: comes with the error %s', async (error, change) => {
      const url = app.authorizationUrl({ scope: CLINICIAN_SCOPE, ...change })
      const answer = await refused(keyward, url, { browser, clientId: 'heart-app' })
      expectErrorAt(answer, APP_REDIRECT, error)
      expect(answer.params.iss).toBe(keyward.issuer)
    })

    test('case 8: SM-104: comes with access_denied, and one record of the decision and one of the answer', async () => {
      await browser.open(app.authorizationUrl({ scope: CLINICIAN_SCOPE, prompt: 'consent' }))
      const { done: callback, records } = await recordsOf(keyward, () => browser.submit({ decision: 'deny' }))
      expect(paramsOf(callback.url)).toMatchObject({ error: 'access_denied', iss: keyward.issuer, state: 'state-of-the-app' })
      expect(records).toMatchObject([
        {
          event: { type: 'consent', outcome: 'refused', reason: 'denied-by-person', clientId: 'heart-app', fhirServer: 'clinic' }
        },
        { event: { type: 'authorization', outcome: 'refused', clientId: 'heart-app' } }
      ])
    })

    test.each(['openid-configuration', 'oauth-authorization-server'])(
      'case 8: is the issuer of %s, which announces it',
      async (name) => {
        const metadata = await (await fetch(`${keyward.issuer}/.well-known/${name}`)).json()
        expect(metadata).toMatchObject({ issuer: keyward.issuer, authorization_response_iss_parameter_supported: true })
      }
    )

    test('case 8: is the issuer that the FHIR server names', async () => {
      const metadata = await (await fetch(`${keyward.issuer}/fhir/clinic/.well-known/smart-configuration`)).json()
      expect(metadata).toMatchObject({ issuer: keyward.issuer })
    })
  })

  test('case 9: SM-106: each form is answered by 303, and the password goes nowhere but into the one form', async () => {
    const maria = newBrowser(keyward.issuer)
    const fields: Record<string, () => Promise<Record<string, string>>> = {
      login: async () => ({ username: 'maria', password: PASSWORD }),
      mfa: async () => ({ code: await totpCode('maria') }),
      patient: async () => ({ patient: 'leo' }),
      consent: async () => ({ decision: 'allow' })
    }
    const passed: string[] = []
    const redirects: { from: string; status: number; to: string }[] = []
    await maria.open(app.authorizationUrl())
    while (maria.page.step !== '') {
      const { step } = maria.page
      const { action, hidden } = maria.form()
      const body = new URLSearchParams({ ...hidden, ...(await fields[step]?.()) })
      let response = await maria.send(action, { method: 'POST', body, headers: { Origin: keyward.issuer } })
      let at = action
      for (let location = response.headers.get('Location'); location !== null; location = response.headers.get('Location')) {
        const to = new URL(location, at).href
        redirects.push({ from: step, status: response.status, to })
        expect(response.headers.getSetCookie().join()).not.toContain(encodeURIComponent(PASSWORD))
        at = to
        if (!to.startsWith(keyward.issuer)) break
        response = await maria.send(to)
      }
      passed.push(step)
      if (!at.startsWith(keyward.issuer)) break
      await maria.open(at)
    }
    expect(passed).toEqual(['login', 'mfa', 'patient', 'consent'])
    expect(redirects.filter(({ status }) => status !== 303)).toEqual([])
    expect(redirects.at(-1)?.to).toMatch(new RegExp(`^${APP_REDIRECT}\\?code=`))
    const words = [PASSWORD, encodeURIComponent(PASSWORD), PASSWORD.replaceAll(' ', '+')]
    for (const { to } of redirects) expect(words.filter((word) => to.includes(word))).toEqual([])
    expect(words.filter((word) => keyward.log.join('').includes(word))).toEqual([])
  })
})
