/** What outlives the process: everything that people and apps were given. Each run is a real process on data that stays. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AppClient, authorize, introspect, newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { STORES, storeOf } from '../harness/keyward.ts'
import { type KeywardProcess, startProcess } from '../harness/keyward-process.ts'

describe.each(STORES)('what was given outlives Keyward on %s', (store) => {
  let keyward: KeywardProcess
  let app: AppClient
  let browser: Browser
  beforeEach(async () => {
    keyward = await startProcess({ store })
    app = newApp(keyward.issuer)
    browser = newBrowser(keyward.issuer)
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterEach(() => keyward.stop())

  const endings: [string, () => Promise<unknown>][] = [
    ['a stop in order', () => keyward.terminate()],
    ['kill -9', () => keyward.kill()]
  ]

  test.each(endings)('%s and a start: session, grant, consent and refresh token work on', async (_how, end) => {
    const callback = await authorize(browser, app.authorizationUrl())
    const first = await app.redeem(app.codeFrom(callback))
    expect(first.status).toBe(200)

    await end()
    await expect(fetch(`${keyward.issuer}/livez`)).rejects.toThrow()
    await keyward.startAgain()
    expect(await storeOf(keyward.issuer)).toBe(store)

    // The grant: the access token says what it said.
    const active = await introspect(keyward.issuer, first.body.access_token ?? '')
    expect(active.body).toMatchObject({ active: true, patient: 'leo', scope: first.body.scope })

    // The session, without a new sign-in, on the person's own page.
    const account = await browser.open(`${keyward.issuer}/account`)
    expect({ status: account.status, url: account.url }).toEqual({ status: 200, url: `${keyward.issuer}/account` })
    expect(account.html).toContain('Heart App')

    // Session and remembered consent: of the steps only the choice of a patient is left.
    await browser.open(app.authorizationUrl())
    expect(browser.page.step).toBe('patient')
    const again = await browser.submit({ patient: 'leo' })
    expect((await app.redeem(app.codeFrom(again))).body).toMatchObject({ patient: 'leo', scope: first.body.scope })

    const refreshed = await app.refresh(first.body.refresh_token ?? '')
    expect(refreshed.body).toMatchObject({ patient: 'leo', scope: first.body.scope })
    expect((await introspect(keyward.issuer, refreshed.body.access_token ?? '')).body.active).toBe(true)

    // What was spent before stays spent.
    expect((await app.redeem(app.codeFrom(callback))).body.error).toBe('invalid_grant')
    expect(await keyward.cli('audit', 'verify')).toMatchObject({ code: 0, stdout: expect.stringMatching(/2 chains, intact/) })
  })

  test.each(endings)('%s between two steps: the person goes on where they were', async (_how, end) => {
    await browser.open(app.authorizationUrl())
    expect(browser.page.step).toBe('login')
    await end()
    await keyward.startAgain()
    const callback = await authorize(browser, browser.page.url)
    expect((await app.redeem(app.codeFrom(callback))).status).toBe(200)
  })

  test('the keys that sign id_tokens stay the same', async () => {
    const jwks = async () => (await fetch(`${keyward.issuer}/jwks`)).text()
    const before = await jwks()
    await keyward.kill()
    await keyward.startAgain()
    expect(await jwks()).toBe(before)
  })
})
