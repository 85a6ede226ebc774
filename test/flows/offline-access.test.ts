import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { loadLocales } from '../../src/web/locales.ts'
import { authorize, introspect } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { newVisit, pressAtAccount, SMALL_APP, theRecordOf, tokensIn, type Visit, withoutSecondFactor } from '../harness/visit.ts'

const t = loadLocales(join(import.meta.dirname, '../../views/locales')).translator('en')
const INACTIVE = '{"active":false}'
const BASE = 'openid launch/patient patient/Patient.rs'
const OFFLINE = `${BASE} offline_access`
const ONLINE = `${BASE} online_access`

describe.each(STORES)('access that lasts on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withoutSecondFactor })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterEach(() => void vi.useRealTimers())
  afterAll(() => keyward.stop())

  /** A person whose earlier decisions about the app are gone. */
  async function freshVisit(options = {}): Promise<Visit> {
    const visit = newVisit(keyward, options)
    await authorize(visit.browser, visit.app.authorizationUrl())
    for (let left = 0; left < 5; left++) {
      await visit.browser.open(`${keyward.issuer}/account`)
      if (!visit.browser.page.html.includes('>Heart App</h2>')) break
      await pressAtAccount(visit, keyward, 'stop')
    }
    return visit
  }

  test.each<[string, object, string, ((scope: string) => boolean) | undefined]>([
    ['is not asked for', {}, BASE, undefined],
    ['is asked for and switched off by the person', {}, OFFLINE, (scope) => scope !== 'offline_access'],
    ['is not in the registration of the app', SMALL_APP, `${OFFLINE} online_access`, undefined]
  ])('case 65: SM-100, SM-221: where offline_access %s, there is no refresh token', async (_, options, scope, tick) => {
    const visit = await freshVisit()
    const app = newVisit(keyward, options, visit.browser)
    const asked = (await keyward.auditEvents('consent')).length
    const { response } = await app.tokens({ scope }, tick ? { tick } : {})
    expect(response.body).not.toHaveProperty('refresh_token')
    expect(response.body.scope?.split(' ')).not.toContain('offline_access')
    const [consent] = (await keyward.auditEvents('consent')).slice(asked)
    expect(consent).toMatchObject({ outcome: 'granted', patient: 'leo' })
    expect(consent?.scopes).not.toContain('offline_access')
  })

  test('case 65: the longest that a token without it lasts is the session of one access token', async () => {
    const visit = await freshVisit()
    vi.useFakeTimers({ toFake: ['Date'] })
    const { access, response } = await visit.tokens({ scope: BASE })
    vi.setSystemTime(Date.now() + (response.body.expires_in ?? 0) * 1000 - 1000)
    expect((await introspect(keyward.issuer, access)).body.active).toBe(true)
    vi.setSystemTime(Date.now() + 2000)
    expect((await introspect(keyward.issuer, access)).text).toBe(INACTIVE)
  })

  test('case 65: SM-100: the consent page asks about it in a switch of its own, and only where an app wants it', async () => {
    const visit = await freshVisit()
    await visit.browser.open(visit.app.authorizationUrl({ scope: OFFLINE }))
    const page = await visit.browser.submit({ patient: 'leo' })
    expect(page.step).toBe('consent')
    expect(page.html).toContain(t('consent.offline.label'))
    expect(page.html).toContain(t('consent.offline.example'))
    expect(visit.browser.form().checkboxes).toContainEqual(
      expect.objectContaining({ name: 'scope', value: 'offline_access', checked: true })
    )

    await visit.browser.open(visit.app.authorizationUrl({ scope: ONLINE }))
    const online = await visit.browser.submit({ patient: 'leo' })
    expect(online.step).toBe('consent')
    expect(online.html).not.toContain(t('consent.offline.label'))
    expect(online.html).toContain(t('consent.identity.session'))
    expect(visit.browser.form().checkboxes.map(({ value }) => value)).not.toContain('offline_access')
  })

  test('SM-046, SM-196, SM-219, SM-220: online_access ends with the sign-out, offline_access lives on', async () => {
    const visit = await freshVisit()
    const online = await visit.tokens({ scope: ONLINE })
    const offline = await visit.tokens({ scope: OFFLINE })
    const both = await visit.tokens({ scope: `${ONLINE} offline_access` })
    const refreshed = tokensIn(await visit.app.refresh(online.refresh))
    const unused = await visit.code({ scope: ONLINE })
    expect(refreshed.response.status).toBe(200)
    expect((await introspect(keyward.issuer, refreshed.access)).body.active).toBe(true)

    const event = await theRecordOf(keyward, () => pressAtAccount(visit, keyward, 'sign-out'))
    expect(event).toEqual({ type: 'sign-out', outcome: 'ended', accountId: expect.any(String) })

    for (const { access } of [online, refreshed]) expect((await introspect(keyward.issuer, access)).text).toBe(INACTIVE)
    const refused = await theRecordOf(keyward, async () => {
      expect(await visit.app.refresh(refreshed.refresh)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    })
    expect(refused).toMatchObject({ type: 'token', outcome: 'refused', clientId: 'heart-app', patient: 'leo' })
    expect(await visit.app.redeem(unused)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    for (const { access, refresh } of [offline, both]) {
      expect((await introspect(keyward.issuer, access)).body.active).toBe(true)
      expect((await visit.app.refresh(refresh)).status).toBe(200)
    }
  })

  test('SM-220: online_access ends with its own session: not with one in another browser, and when it has been idle too long', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const here = await freshVisit()
    const { access, refresh } = await here.tokens({ scope: ONLINE })
    const there = newVisit(keyward, {}, newBrowser(keyward.issuer))
    await there.tokens({ scope: ONLINE })
    await pressAtAccount(there, keyward, 'sign-out')
    expect((await introspect(keyward.issuer, access)).body.active).toBe(true)

    vi.setSystemTime(Date.now() + keyward.config.lifetimes.idle * 1000 + 1000)
    expect((await here.app.refresh(refresh)).body.error).toBe('invalid_grant')
  })
})
