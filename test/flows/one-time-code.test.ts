import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { newApp, totpCode } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import { freePort } from '../harness/free-port.ts'
import { type Keyward, newSecrets, STORES, type StoreName, startKeyward, storeOf } from '../harness/keyward.ts'
import { forward, post, signInToAccount, textOf, walkTo } from '../harness/on-pages.ts'
import type { RedisServer } from '../harness/redis-server.ts'
import { startRedisOf } from '../harness/shared-redis.ts'
import { theRecordOf, withoutSecondFactor } from '../harness/visit.ts'

const STEP = 30_000

describe.each(STORES)('one-time codes on %s', (store) => {
  let keyward: Keyward
  let browser: Browser
  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    keyward = await startKeyward({ store })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(async () => {
    vi.useRealTimers()
    await keyward.stop()
  })
  beforeEach(() => {
    // Past the window of refused tries, and past every code that was used.
    forward(3 * 60 * 60 * 1000)
    browser = newBrowser(keyward.issuer)
  })

  const atCode = (one: Browser, server = keyward) => walkTo(one, newApp(server.issuer).authorizationUrl(), 'mfa')
  const give = (code: string, one = browser) => post(one, one.form(), { code })

  test('case 110: a code is good once: in a second browser it is refused', async () => {
    await atCode(browser)
    const other = newBrowser(keyward.issuer)
    await atCode(other)
    const code = await totpCode('maria')
    expect((await give(code)).status).toBe(303)
    const event = await theRecordOf(keyward, async () => expect((await give(code, other)).status).toBe(422))
    expect(event).toEqual({ type: 'second-factor', outcome: 'refused', reason: 'code-used', accountId: expect.any(String) })
  })

  test('case 110: of the same code in two browsers at once, one is accepted', async () => {
    const browsers = [newBrowser(keyward.issuer), newBrowser(keyward.issuer)]
    for (const one of browsers) await atCode(one)
    const code = await totpCode('maria')
    const statuses = await Promise.all(browsers.map(async (one) => (await give(code, one)).status))
    expect(statuses.sort()).toEqual([303, 422])
  })

  test('case 110: one click too many in one browser signs in once', async () => {
    await atCode(browser)
    const code = await totpCode('maria')
    const statuses = await Promise.all([1, 2, 3].map(async () => (await give(code)).status))
    expect(statuses.filter((status) => status === 303)).toHaveLength(1)
    for (const status of statuses) expect([303, 400, 422]).toContain(status)
  })

  test('case 111: after the code of a step, that of the step before is refused', async () => {
    await atCode(browser)
    const other = newBrowser(keyward.issuer)
    await atCode(other)
    const earlier = await totpCode('maria', Date.now() - STEP)
    expect((await give(await totpCode('maria'))).status).toBe(303)
    const event = await theRecordOf(keyward, async () => expect((await give(earlier, other)).status).toBe(422))
    expect(event).toMatchObject({ type: 'second-factor', outcome: 'refused', reason: 'code-used' })
  })

  test.each([
    [-2, 422],
    [-1, 303],
    [0, 303],
    [1, 303],
    [2, 422]
  ])('case 112: the code of %i steps from now is answered with %i', async (steps, status) => {
    await atCode(browser)
    expect((await give(await totpCode('maria', Date.now() + steps * STEP))).status).toBe(status)
  })

  test('case 112: what the browser says of the time is not listened to', async () => {
    await atCode(browser)
    const later = Date.now() + 10 * STEP
    const code = await totpCode('maria', later)
    const headers = { Date: new Date(later).toUTCString() }
    const answer = await post(browser, browser.form(), { code, time: String(later), timestamp: String(later) }, { headers })
    expect(answer.status).toBe(422)
  })

  test('case 113: a new sign-in with the right password gives no new tries', async () => {
    await atCode(browser)
    const limit = keyward.config.limits.codesPerAccount
    for (let tries = 0; tries < limit; tries++) expect((await give('000000')).status).toBe(422)
    const refused = await give('000000')
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    // The clinic's window is 15 minutes; the page says so.
    expect(textOf({ html: await refused.text() })).toContain('Try again in 15 minutes')
    const again = newBrowser(keyward.issuer)
    await atCode(again)
    for (let tries = 0; tries < 10; tries++) expect((await give('000000', again)).status).toBe(429)
    const event = await theRecordOf(keyward, async () => {
      expect((await give(await totpCode('maria'), again)).status).toBe(429)
    })
    expect(event).toMatchObject({ type: 'second-factor', outcome: 'refused', reason: 'too-many-attempts' })
    // A wait, not a lock for ever.
    forward((keyward.config.limits.window + 1) * 1000)
    const afterwards = newBrowser(keyward.issuer)
    await atCode(afterwards)
    expect((await give(await totpCode('maria'), afterwards)).status).toBe(303)
  })

  describe('with the password alone', () => {
    test.each<[string, () => Promise<string>]>([
      ['the consent page', async () => browser.page.url.replace(/mfa$/, 'consent')],
      ['the page that picks a patient', async () => browser.page.url.replace(/mfa$/, 'patient')],
      ['the address to resume at', async () => browser.page.url.replace(/interaction\/([^/]+)\/mfa$/, 'authorize/$1')]
    ])('case 114: %s leads nowhere', async (_name, address) => {
      await atCode(browser)
      const answer = await browser.open(await address())
      if (answer.step === 'mfa') expect(answer.status).toBe(200)
      else expect(answer.status).toBe(400)
      expect(answer.url).not.toContain('code=')
    })

    test.each(['consent', 'patient'])('case 114: the step %s is refused, though its cookie is sent to any page', async (step) => {
      await atCode(browser)
      // A person with the password alone may send what cookies there are wherever it likes.
      const ours = browser.cookies.filter(({ path }) => path === new URL(browser.page.url).pathname)
      expect(ours).toHaveLength(2)
      browser.cookies.push(...ours.map((cookie) => ({ ...cookie, path: '/' })))
      const url = browser.page.url.replace(/mfa$/, step)
      const fields = { decision: 'allow', patient: 'leo', scope: 'patient/Patient.rs' }
      const event = await theRecordOf(keyward, async () =>
        expect((await post(browser, browser.form(), fields, { url })).status).toBe(400)
      )
      expect(event).toEqual({ type: 'request', outcome: 'refused', reason: 'step-not-open' })
      expect((await browser.send(url)).status).toBe(400)
      expect((await browser.send(browser.page.url)).status).toBe(200)
    })

    test.each(['consent', 'patient'])('case 114: the form of the step %s is refused', async (step) => {
      await atCode(browser)
      const fields = { decision: 'allow', patient: 'leo', scope: 'patient/Patient.rs' }
      const answer = await post(browser, browser.form(), fields, { url: browser.page.url.replace(/mfa$/, step) })
      expect(answer.status).toBe(400)
    })

    test.each<[string, (issuer: string) => string]>([
      ['the account page', (issuer) => `${issuer}/account`],
      [
        'another app',
        (issuer) => newApp(issuer, { clientId: 'second-app', redirectUri: 'http://localhost:9005/cb' }).authorizationUrl()
      ],
      ['the same app', (issuer) => newApp(issuer).authorizationUrl()],
      ['the same app, identity only', (issuer) => newApp(issuer).authorizationUrl({ scope: 'openid' })]
    ])('case 114: %s asks for the code', async (_name, address) => {
      await atCode(browser)
      const page = await browser.open(address(keyward.issuer))
      expect({ step: page.step, status: page.status }).toEqual({ step: 'mfa', status: 200 })
    })

    test('case 114: prompt=none is refused', async () => {
      await atCode(browser)
      const page = await browser.open(newApp(keyward.issuer).authorizationUrl({ prompt: 'none' }))
      expect(new URL(page.url).searchParams.get('error')).toBe('login_required')
    })

    test.each(['stop', 'sign-out'])('case 114: /account/%s does nothing for it', async (path) => {
      await signInToAccount(newBrowser(keyward.issuer), keyward.issuer)
      forward()
      await atCode(browser)
      const before = (await keyward.auditEvents('access-ended')).length + (await keyward.auditEvents('sign-out')).length
      await post(browser, browser.form(), { consentId: 'any' }, { url: `${keyward.issuer}/account/${path}` })
      expect((await keyward.auditEvents('access-ended')).length + (await keyward.auditEvents('sign-out')).length).toBe(before)
      expect((await browser.open(`${keyward.issuer}/account`)).step).toBe('mfa')
    })
  })
})

describe.each(STORES)('one-time codes over a restart on %s', (store) => {
  let redis: RedisServer | undefined
  const folder = mkdtempSync(join(tmpdir(), 'keyward-codes-'))
  beforeAll(async () => {
    redis = await startRedisOf(store)
  })
  afterAll(async () => {
    await redis?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('case 110: a code that was used before a restart is refused after it', async () => {
    const options = await lasting(store)
    const before = await startKeyward(options)
    const browser = newBrowser(before.issuer)
    await walkTo(browser, newApp(before.issuer).authorizationUrl(), 'mfa')
    const at = Date.now()
    const code = await totpCode('maria', at)
    expect((await post(browser, browser.form(), { code })).status).toBe(303)
    await before.stop()

    const after = await startKeyward(options)
    expect(await storeOf(after.issuer)).toBe(store)
    const again = newBrowser(after.issuer)
    await walkTo(again, newApp(after.issuer).authorizationUrl(), 'mfa')
    expect((await post(again, again.form(), { code })).status).toBe(422)
    // In the same step or the next: never for being late.
    expect(Date.now() - at).toBeLessThan(STEP)
    const refusals = (await after.auditEvents('second-factor')).filter(({ outcome }) => outcome === 'refused')
    expect(refusals).toEqual([expect.objectContaining({ reason: 'code-used' })])
    await after.stop()
  })

  async function lasting(name: StoreName) {
    return {
      store: name,
      secrets: newSecrets(),
      port: await freePort(),
      ...(redis ? { redis } : { storeUrl: `sqlite:${join(folder, 'keyward.db')}` })
    }
  }
})

test('case 114: where the policy asks for no second factor, the password is enough', async () => {
  const keyward = await startKeyward({ change: withoutSecondFactor })
  const browser = newBrowser(keyward.issuer)
  await walkTo(browser, newApp(keyward.issuer).authorizationUrl(), 'login')
  expect((await browser.submit({ username: 'maria', password: PASSWORD })).step).toBe('patient')
  await keyward.stop()
})
