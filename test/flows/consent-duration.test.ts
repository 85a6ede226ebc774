import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Consent } from '../../src/consent/consents.ts'
import { type AppClient, introspect, newApp, type TokenResponse } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { all, forward, signInToAccount, textOf, walkTo } from '../harness/on-pages.ts'
import { pressAtAccount, withoutSecondFactor } from '../harness/visit.ts'

const DAY = 24 * 60 * 60 * 1000
const SCOPE = 'openid offline_access launch/patient patient/Patient.rs'
const KINDS = ['patient/Patient.rs']

describe.each(STORES)('for how long, on %s', (store) => {
  let keyward: Keyward
  let browser: Browser
  let app: AppClient
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withoutSecondFactor })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward.stop())
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    browser = newBrowser(keyward.issuer)
    app = newApp(keyward.issuer)
    // Each test begins as if nothing had been decided.
    await signInToAccount(browser, keyward.issuer)
    for (const _ of await consents()) await pressAtAccount({ browser }, keyward, 'stop')
  })
  afterEach(() => vi.useRealTimers())

  const consents = (): Promise<Consent[]> => all<Consent>(keyward, 'consent')

  async function share(fields: Record<string, string | string[]>, scope = SCOPE): Promise<TokenResponse> {
    app = newApp(keyward.issuer)
    await walkTo(browser, app.authorizationUrl({ scope, prompt: 'consent' }), 'consent')
    return app.redeem(app.codeFrom(await browser.submit({ decision: 'allow', ...fields })))
  }
  const sharing = (duration: string) => share({ scope: [...KINDS, 'offline_access'], duration })

  test.each([
    ['today', 1],
    ['3months', 92],
    ['1year', 366],
    ['until-stopped', undefined]
  ])('case 97: %s is remembered with its end', async (duration, days) => {
    const now = Date.now()
    await sharing(duration)
    const [consent] = await consents()
    expect(consent?.changedAt).toBeGreaterThanOrEqual(now)
    expect(consent?.until).toBe(days === undefined ? undefined : (consent?.changedAt ?? 0) + days * DAY)
  })

  test('case 97: an app of today gets no refresh token, whatever the box says', async () => {
    const { status, body } = await sharing('today')
    expect(status).toBe(200)
    expect(body.refresh_token).toBeUndefined()
    expect(body.scope?.split(' ')).not.toContain('offline_access')
  })

  test.each(['3months', '1year', 'until-stopped'])(
    'case 97: %s gives no refresh token while the box is off',
    async (duration) => {
      const { status, body } = await share({ scope: KINDS, duration })
      expect(status).toBe(200)
      expect(body.refresh_token).toBeUndefined()
      expect(body.scope?.split(' ')).not.toContain('offline_access')
    }
  )

  test.each(['3months', '1year'])('case 97: tokens live up to the end of %s, and not a second longer', async (duration) => {
    let { body } = await sharing(duration)
    const [consent] = await consents()
    const until = consent?.until ?? 0
    // Used now and then, as an app is: a refresh token that is not used ends by itself.
    while (until - Date.now() > 30 * DAY) {
      forward(30 * DAY)
      body = (await app.refresh(body.refresh_token ?? '')).body
      expect(body.error).toBeUndefined()
    }
    vi.setSystemTime(until - 60_000)
    body = (await app.refresh(body.refresh_token ?? '')).body
    expect((await introspect(keyward.issuer, body.access_token ?? '')).body.active).toBe(true)
    vi.setSystemTime(until + 1000)
    expect((await introspect(keyward.issuer, body.access_token ?? '')).text).toBe('{"active":false}')
    expect((await app.refresh(body.refresh_token ?? '')).body.error).toBe('invalid_grant')
  })

  test('case 97: until I stop it lasts beyond a year', async () => {
    let { body } = await sharing('until-stopped')
    for (let months = 0; months < 14; months++) {
      forward(30 * DAY)
      body = (await app.refresh(body.refresh_token ?? '')).body
      expect(body.error).toBeUndefined()
    }
    expect((await introspect(keyward.issuer, body.access_token ?? '')).body.active).toBe(true)
  })

  test('case 97: nothing is preselected, and the page says what no answer means', async () => {
    await walkTo(browser, app.authorizationUrl({ scope: SCOPE, prompt: 'consent' }), 'consent')
    expect(browser.form().radios.map(({ value, checked }) => [value, checked])).toEqual([
      ['today', false],
      ['3months', false],
      ['1year', false],
      ['until-stopped', false]
    ])
    expect(textOf(browser.page)).toContain('If you choose none, it is until you stop it.')
    await browser.submit({ decision: 'allow' })
    expect((await consents())[0]).not.toHaveProperty('until')
  })

  test('case 97: after its end the person is asked again', async () => {
    await sharing('today')
    const url = () => newApp(keyward.issuer).authorizationUrl({ scope: SCOPE })
    await walkTo(browser, url(), 'patient')
    expect((await browser.submit({ patient: 'leo' })).url).toContain('code=')
    forward(DAY + 1000)
    await walkTo(newBrowser(keyward.issuer), url(), 'consent')
  })

  test('case 97: an app that may no longer come back can not do so with an older refresh token', async () => {
    const { body } = await sharing('1year')
    const { status } = await share({ scope: KINDS, duration: '1year' })
    expect(status).toBe(200)
    expect((await introspect(keyward.issuer, body.access_token ?? '')).body.active).toBe(true)
    expect((await app.refresh(body.refresh_token ?? '')).body.error).toBe('invalid_grant')
  })

  test('case 97: a decision that does not ask how long leaves the end where it was', async () => {
    await sharing('3months')
    const [before] = await consents()
    forward(DAY)
    browser = newBrowser(keyward.issuer)
    await share({ scope: KINDS }, 'openid launch/patient patient/Patient.rs')
    const [after] = await consents()
    expect(after?.changedAt).toBeGreaterThan(before?.changedAt ?? Infinity)
    expect(after?.until).toBe(before?.until)
  })

  test('case 97: the last answer counts, for longer and for shorter', async () => {
    await sharing('3months')
    await sharing('1year')
    expect((await consents())[0]?.until).toBeGreaterThan(Date.now() + 365 * DAY)
    const { body } = await sharing('until-stopped')
    expect((await consents())[0]).not.toHaveProperty('until')
    await sharing('today')
    expect((await consents())[0]?.until).toBeLessThanOrEqual(Date.now() + DAY)
    // What was given before for longer ends too: one person, one app, one answer; and it can't come back.
    expect((await app.refresh(body.refresh_token ?? '')).body.error).toBe('invalid_grant')
  })
})
