import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser, type Page } from '../harness/browser.ts'
import { type Keyward, startKeyward } from '../harness/keyward.ts'
import { forward, post, signInToAccount, walkTo } from '../harness/on-pages.ts'

interface Shown {
  status: number
  headers: Headers
}

// Headers have nothing to do with the store.
describe('pages in a frame', () => {
  let keyward: Keyward
  let browser: Browser
  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    keyward = await startKeyward({ change: (config) => ({ ...config, limits: { ...config.limits, passwordsPerAccount: 3 } }) })
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

  const url = () => newApp(keyward.issuer).authorizationUrl()
  const noStep = (path: string) => browser.open(`${keyward.issuer}${path}`)

  const pages: [string, number, () => Promise<Shown>][] = [
    ['sign-in', 200, () => walkTo(browser, url(), 'login')],
    [
      'sign-in, refused',
      422,
      async () => {
        await walkTo(browser, url(), 'login')
        return browser.submit({ username: 'maria', password: 'not it' })
      }
    ],
    [
      'sign-in, too many tries',
      429,
      async () => {
        let page: Page = await walkTo(browser, url(), 'login')
        for (let tries = 0; tries < 4; tries++) page = await browser.submit({ username: 'nosuch', password: 'not it' })
        return page
      }
    ],
    ['one-time code', 200, () => walkTo(browser, url(), 'mfa')],
    [
      'one-time code, refused',
      422,
      async () => {
        await walkTo(browser, url(), 'mfa')
        return browser.submit({ code: '000000' })
      }
    ],
    ['enrolment', 200, () => walkTo(browser, url(), 'mfa', { username: 'john' })],
    ['choice of a patient', 200, () => walkTo(browser, url(), 'patient')],
    [
      'choice of a patient, none picked',
      422,
      async () => {
        await walkTo(browser, url(), 'patient')
        return browser.submit({})
      }
    ],
    ['nobody to share', 200, () => walkTo(browser, url(), 'patient', { username: 'nobody' })],
    ['consent', 200, () => walkTo(browser, url(), 'consent')],
    [
      'consent, redrawn',
      200,
      async () => {
        await walkTo(browser, url(), 'consent')
        return browser.submit({ select: 'none' })
      }
    ],
    ['account', 200, () => signInToAccount(browser, keyward.issuer)],
    [
      'signed out',
      200,
      async () => {
        await signInToAccount(browser, keyward.issuer)
        return post(browser, browser.form(), {})
      }
    ],
    ['error: unknown app', 400, () => browser.open(newApp(keyward.issuer, { clientId: 'nobody' }).authorizationUrl())],
    ['error: a form without its token', 403, () => browser.send(`${keyward.issuer}/account/stop`, { method: 'POST' })],
    ['error: no such page', 404, () => noStep('/no-such-page')],
    ['error: a step of another browser', 400, () => noStep('/interaction/abcdefghijklmnopqrstu/consent')],
    ['error: an authorization of another browser', 400, () => noStep('/authorize/abcdefghijklmnopqrstu')],
    [
      'error: body too large',
      413,
      () => browser.send(`${keyward.issuer}/account/stop`, { method: 'POST', body: 'x'.repeat(60_000) })
    ],
    ['error: no form', 415, () => browser.send(`${keyward.issuer}/account/stop`, { method: 'POST', body: 'x' })],
    ['error: address too long', 414, () => noStep(`/${'x'.repeat(16_500)}`)]
  ]

  test.each(pages)('case 91: %s (%i) can be framed by nobody', async (_name, status, show) => {
    const shown = await show()
    expect({ status: shown.status, type: shown.headers.get('content-type') }).toEqual({
      status,
      type: 'text/html; charset=utf-8'
    })
    expect(directives(shown.headers)['frame-ancestors']).toBe("'none'")
    expect(shown.headers.get('x-frame-options')).toBe('DENY')
  })

  test('case 91: the page for a store that is away can be framed by nobody', async () => {
    const broken = await startKeyward()
    await broken.store.close()
    const shown = await newBrowser(broken.issuer).send(newApp(broken.issuer).authorizationUrl())
    expect({ status: shown.status, type: shown.headers.get('content-type') }).toEqual({
      status: 503,
      type: 'text/html; charset=utf-8'
    })
    expect(directives(shown.headers)['frame-ancestors']).toBe("'none'")
    expect(shown.headers.get('x-frame-options')).toBe('DENY')
    await broken.stop()
  })
})

function directives(headers: Headers): Record<string, string> {
  const policy = headers.get('content-security-policy') ?? ''
  return Object.fromEntries(policy.split(/; */).map((one) => [one.split(' ')[0], one.slice(one.indexOf(' ') + 1)]))
}
