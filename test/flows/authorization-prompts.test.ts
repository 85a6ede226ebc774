import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AppClient, authorize, newApp, ticked } from '../harness/app-client.ts'
import { encoded } from '../harness/backend-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { APP_REDIRECT, PASSWORD } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { allowedBrowser, CLINICIAN_SCOPE, expectErrorAt, paramsOf, refused } from '../harness/refusals.ts'

describe.each(STORES)('prompt and remembered consent on %s', (store) => {
  let keyward: Keyward
  let app: AppClient
  /** Dr Lee's: signed in, and CLINICIAN_SCOPE allowed. */
  let browser: Browser
  beforeAll(async () => {
    keyward = await startKeyward({ store })
    expect(await storeOf(keyward.issuer)).toBe(store)
    app = newApp(keyward.issuer)
    browser = await allowedBrowser(keyward, app)
  })
  afterAll(() => keyward.stop())

  const silently = (params: Record<string, string | undefined> = {}) =>
    app.authorizationUrl({ scope: CLINICIAN_SCOPE, prompt: 'none', ...params })

  test('prompt=none with session and remembered consent gives a code that can be redeemed', async () => {
    const { code = '' } = paramsOf((await browser.send(silently())).headers.get('Location') ?? '')
    const { status, body } = await app.redeem(code)
    expect({ status, scopes: body.scope?.split(' ').sort() }).toEqual({ status: 200, scopes: CLINICIAN_SCOPE.split(' ').sort() })
  })

  test('less than was allowed needs no new consent, and gives no more than was asked for', async () => {
    const scope = 'openid user/Patient.rs'
    const { code = '' } = paramsOf((await browser.send(silently({ scope }))).headers.get('Location') ?? '')
    expect((await app.redeem(code)).body.scope).toBe(scope)
  })

  test.each<[string, Record<string, string>, string]>([
    ['one more scope', { scope: `${CLINICIAN_SCOPE} user/Condition.rs` }, 'consent_required'],
    ['more verbs than were allowed', { scope: 'openid user/Patient.cruds' }, 'consent_required'],
    ['access while the person is away', { scope: `${CLINICIAN_SCOPE} offline_access` }, 'consent_required'],
    ['a sign-in that is younger than none', { max_age: '0' }, 'login_required'],
    ['a patient, where none is open', { scope: 'openid launch/patient patient/Patient.rs' }, 'interaction_required'],
    ['a FHIR server that does not know the person', { aud: 'http://localhost:9011/fhir' }, 'interaction_required'],
    ['another prompt as well', { prompt: 'none login' }, 'invalid_request'],
    ['a prompt that does not exist', { prompt: 'silent' }, 'invalid_request'],
    ["a step's name as prompt", { prompt: 'mfa' }, 'invalid_request']
  ])('case 10: prompt=none with %s gives an error, never a silent consent', async (_what, change, error) => {
    expectErrorAt(await refused(keyward, silently(change), { browser, clientId: 'heart-app' }), APP_REDIRECT, error)
  })

  test('case 10: prompt=none for another app than the one that was allowed is consent_required', async () => {
    const redirectUri = 'http://localhost:9005/cb'
    const second = newApp(keyward.issuer, { clientId: 'second-app', redirectUri })
    const url = second.authorizationUrl({ scope: CLINICIAN_SCOPE, prompt: 'none' })
    expectErrorAt(await refused(keyward, url, { browser, clientId: 'second-app' }), redirectUri, 'consent_required')
  })

  test('case 10: prompt=none without a session is login_required', async () => {
    expectErrorAt(await refused(keyward, silently(), { clientId: 'heart-app' }), APP_REDIRECT, 'login_required')
  })

  test('case 10: prompt=none between password and second factor is login_required', async () => {
    const half = newBrowser(keyward.issuer)
    await half.open(app.authorizationUrl())
    const page = await half.submit({ username: 'maria', password: 'correct horse battery staple' })
    expect(page.step).toBe('mfa')
    expectErrorAt(await refused(keyward, silently(), { browser: half, clientId: 'heart-app' }), APP_REDIRECT, 'login_required')
  })

  test('case 10: an id_token_hint of another person is login_required silently, and the password otherwise', async () => {
    const ofLee = await browser.send(silently({ scope: CLINICIAN_SCOPE }))
    const own = await app.redeem(paramsOf(ofLee.headers.get('Location') ?? '').code ?? '')
    const maria = await authorize(newBrowser(keyward.issuer), app.authorizationUrl())
    const other = await app.redeem(app.codeFrom(maria))
    const hinted = silently({ id_token_hint: other.body.id_token })
    expectErrorAt(await refused(keyward, hinted, { browser, clientId: 'heart-app' }), APP_REDIRECT, 'login_required')
    const shown = app.authorizationUrl({ scope: CLINICIAN_SCOPE, id_token_hint: other.body.id_token })
    expect((await browser.open(shown)).step).toBe('login')
    // With the hint of who is signed in nothing is asked.
    const same = await browser.send(silently({ id_token_hint: own.body.id_token }))
    expect(paramsOf(same.headers.get('Location') ?? '').code).toMatch(/^kw_ac_/)
  })

  test('case 10: an id_token_hint that nobody signed, or another issuer, is an invalid request', async () => {
    const forged = `${encoded({ alg: 'none' })}.${encoded({ sub: 'x', iss: keyward.issuer, aud: 'heart-app' })}.`
    const answer = await refused(keyward, silently({ id_token_hint: forged }), { browser, clientId: 'heart-app' })
    expectErrorAt(answer, APP_REDIRECT, 'invalid_request')
  })

  test('case 10: prompt=consent asks again although all is allowed', async () => {
    const page = await browser.open(app.authorizationUrl({ scope: CLINICIAN_SCOPE, prompt: 'consent' }))
    expect(page.step).toBe('consent')
  })

  test.each([['prompt=login', { prompt: 'login' }] as const, ['max_age=0', { max_age: '0' }] as const])(
    'case 10: %s asks for the password again although a session is there',
    async (_what, change) => {
      const page = await browser.open(app.authorizationUrl({ scope: CLINICIAN_SCOPE, ...change }))
      expect(page.step).toBe('login')
    }
  )

  test('the pages of each step speak the language of ui_locales, on the way in and after a form', async () => {
    const stranger = newBrowser(keyward.issuer)
    const langOf = ({ step, html }: { step: string; html: string }) => [step, /<html lang="(\w+)"/.exec(html)?.[1]]
    const first = await stranger.open(app.authorizationUrl({ ui_locales: 'fr-CA es-MX' }))
    expect(langOf(first)).toEqual(['login', 'es'])
    expect(langOf(await stranger.submit({ username: 'maria', password: 'wrong' }))).toEqual(['login', 'es'])
    expect(langOf(await stranger.submit({ username: 'maria', password: PASSWORD }))).toEqual(['mfa', 'es'])
  })

  describe('offline_access without prompt=consent', () => {
    test('gives a refresh token where the person agrees', async () => {
      const scope = `${CLINICIAN_SCOPE} offline_access`
      const page = await browser.open(app.authorizationUrl({ scope }))
      expect(page.step).toBe('consent')
      expect(ticked(browser, () => true)).toContain('offline_access')
      const { body } = await app.redeem(
        app.codeFrom(await authorize(browser, app.authorizationUrl({ scope }), { tick: () => true }))
      )
      expect(body.scope?.split(' ')).toContain('offline_access')
      expect((await app.refresh(body.refresh_token ?? '')).status).toBe(200)

      // And once it is remembered, with nothing shown at all.
      const again = paramsOf((await browser.send(silently({ scope }))).headers.get('Location') ?? '')
      expect((await app.redeem(again.code ?? '')).body.refresh_token).toMatch(/^kw_rt_/)
    })

    test('gives none where the person does not agree', async () => {
      const second = newApp(keyward.issuer, { clientId: 'second-app', redirectUri: 'http://localhost:9005/cb' })
      const url = second.authorizationUrl({ scope: `${CLINICIAN_SCOPE} offline_access` })
      const callback = await authorize(browser, url, { tick: (scope) => scope !== 'offline_access' })
      const { status, body } = await second.redeem(second.codeFrom(callback))
      expect({ status, refresh: body.refresh_token }).toEqual({ status: 200 })
      expect(body.scope?.split(' ')).not.toContain('offline_access')
    })

    test('gives none to an app that is not registered for refresh tokens', async () => {
      const small = newApp(keyward.issuer, { clientId: 'small-app', redirectUri: 'http://127.0.0.1:50001/cb' })
      const callback = await authorize(browser, small.authorizationUrl({ scope: 'openid offline_access' }))
      const { body } = await small.redeem(small.codeFrom(callback))
      expect({ scope: body.scope, refresh: body.refresh_token }).toEqual({ scope: 'openid' })
    })
  })
})
