/** While Redis is away, frozen or dead: 503 and come back later, never a refusal that apps or people would take for the truth. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AppClient, authorize, basic, introspect, newApp, type TokenResponse } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { FHIR_BASE, PASSWORD, SECRETS } from '../harness/clinic-config.ts'
import { ehrBearer } from '../harness/ehr.ts'
import { type Keyward, startKeyward, storeOf } from '../harness/keyward.ts'

const HTML = { Accept: 'text/html,application/xhtml+xml' }

describe.each(['frozen', 'dead'] as const)('F2, F3: the store is %s', (how) => {
  let keyward: Keyward
  let app: AppClient
  let browser: Browser
  let waiting: Browser
  let tokens: TokenResponse['body']
  let unusedCode: string
  let csrf: Record<string, string>

  beforeAll(async () => {
    keyward = await startKeyward({ store: 'redis' })
    expect(await storeOf(keyward.issuer)).toBe('redis')
    app = newApp(keyward.issuer)
    browser = newBrowser(keyward.issuer)
    tokens = (await app.redeem(app.codeFrom(await authorize(browser, app.authorizationUrl())))).body
    unusedCode = app.codeFrom(await authorize(browser, app.authorizationUrl()))
    await browser.open(`${keyward.issuer}/account`)
    csrf = browser.form().hidden
    asEhr = { Authorization: await ehrBearer(keyward.issuer), 'Content-Type': 'application/json' }
    // Another browser, in the middle of its sign-in.
    waiting = newBrowser(keyward.issuer)
    await waiting.open(app.authorizationUrl())
    expect(waiting.page.step).toBe('login')
    if (how === 'frozen') keyward.redis?.pause()
    else await keyward.redis?.kill()
  })
  afterAll(async () => {
    keyward.redis?.resume()
    await keyward.stop()
  })

  const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${keyward.issuer}${path}`, { method: 'POST', headers, body: new URLSearchParams(form) })
  const asFhirServer = { Authorization: basic('clinic-fhir', SECRETS['clinic-fhir']) }
  let asEhr: Record<string, string>

  const programs: [string, () => Promise<Response>][] = [
    [
      '/token, a code',
      () =>
        post('/token', {
          grant_type: 'authorization_code',
          client_id: 'heart-app',
          code: unusedCode,
          redirect_uri: 'http://localhost:9002/app',
          code_verifier: app.verifier
        })
    ],
    [
      '/token, a refresh token',
      () => post('/token', { grant_type: 'refresh_token', client_id: 'heart-app', refresh_token: tokens.refresh_token ?? '' })
    ],
    [
      '/token, a refresh token without client_id',
      () => post('/token', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' })
    ],
    [
      '/token, an unknown refresh token',
      () => post('/token', { grant_type: 'refresh_token', client_id: 'heart-app', refresh_token: 'x' })
    ],
    ['/introspect', () => post('/introspect', { token: tokens.access_token ?? '' }, asFhirServer)],
    ['/introspect, a wrong secret', () => post('/introspect', { token: 'x' }, { Authorization: basic('clinic-fhir', 'wrong') })],
    ['/revoke', () => post('/revoke', { token: tokens.refresh_token ?? '', client_id: 'heart-app' })],
    [
      '/launch',
      () =>
        fetch(`${keyward.issuer}/launch`, {
          method: 'POST',
          headers: asEhr,
          body: JSON.stringify({ client_id: 'heart-app', fhirServer: 'clinic', patient: 'maria' })
        })
    ]
  ]

  test.each(programs)('%s: 503, Retry-After, temporarily_unavailable', async (_what, ask) => {
    const started = performance.now()
    const answer = await ask()
    const body: unknown = await answer.json()
    expect({ status: answer.status, body }).toEqual({
      status: 503,
      body: {
        error: 'temporarily_unavailable',
        error_description: 'Service Unavailable',
        request_id: answer.headers.get('x-request-id')
      }
    })
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(performance.now() - started).toBeLessThan(5000)
  })

  const people: [string, () => Promise<Response>][] = [
    ['/authorize', () => browser.send(app.authorizationUrl(), { headers: HTML })],
    ['/authorize from a new browser', () => fetch(app.authorizationUrl(), { headers: HTML, redirect: 'manual' })],
    ['a step', () => waiting.send(waiting.page.url, { headers: HTML })],
    [
      'a step that is sent',
      () => {
        const { action, hidden } = waiting.form()
        const body = new URLSearchParams({ ...hidden, username: 'maria', password: PASSWORD })
        return waiting.send(action, { method: 'POST', body, headers: { ...HTML, Origin: keyward.issuer } })
      }
    ],
    ['/account', () => browser.send(`${keyward.issuer}/account`, { headers: HTML })],
    [
      '/account/stop',
      () =>
        browser.send(`${keyward.issuer}/account/stop`, {
          method: 'POST',
          body: new URLSearchParams(csrf),
          headers: { ...HTML, Origin: keyward.issuer }
        })
    ]
  ]

  test.each(people)('%s: 503 and a page with an id', async (_what, ask) => {
    const answer = await ask()
    const html = await answer.text()
    expect({ status: answer.status, location: answer.headers.get('location') }).toEqual({ status: 503, location: null })
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(html).toContain(answer.headers.get('x-request-id') ?? 'no id')
    expect(html).not.toMatch(/redis|\bat \/|Error:/i)
  })

  test('it lives, and is not ready', async () => {
    expect((await fetch(`${keyward.issuer}/livez`)).status).toBe(200)
    expect((await fetch(`${keyward.issuer}/readyz`)).status).toBe(503)
  })

  test('what needs no store is served on', async () => {
    for (const path of [
      '/jwks',
      '/.well-known/openid-configuration',
      '/fhir/clinic/.well-known/smart-configuration',
      '/style.css'
    ])
      expect([path, (await fetch(`${keyward.issuer}${path}`)).status]).toEqual([path, 200])
  })

  test('once the store is back all of it works again, without a restart, and nothing was lost', async () => {
    if (how === 'frozen') keyward.redis?.resume()
    else await keyward.redis?.restart()
    await expect.poll(async () => (await fetch(`${keyward.issuer}/readyz`)).status, { timeout: 15_000 }).toBe(200)
    // A frozen Redis may still carry out a revocation that it was sent: the answer was 503, so the app asks again.
    const active = await introspect(keyward.issuer, tokens.access_token ?? '')
    if (how === 'dead') {
      expect(active.body).toMatchObject({ active: true, patient: 'leo', aud: FHIR_BASE })
      expect((await app.refresh(tokens.refresh_token ?? '')).status).toBe(200)
      // It may have been redeemed just before, as far as a Redis that was restarted knows (D9).
      expect((await app.redeem(unusedCode)).body.error).toBe('invalid_grant')
    } else expect(active.status).toBe(200)
    const account = await browser.open(`${keyward.issuer}/account`)
    expect({ status: account.status, url: account.url }).toEqual({ status: 200, url: `${keyward.issuer}/account` })
    const later = await app.redeem(app.codeFrom(await authorize(browser, app.authorizationUrl())))
    expect(later.status).toBe(200)
    expect((await app.refresh(later.body.refresh_token ?? '')).status).toBe(200)
    await waiting.open(waiting.page.url)
    expect(waiting.page).toMatchObject(how === 'dead' ? { status: 400 } : { status: 200, step: 'login' })
  })
})
