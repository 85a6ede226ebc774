import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { newApp, totpCode } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { all, forward, signInToAccount, walkTo } from '../harness/on-pages.ts'

const SESSION = 'keyward_session'

describe.each(STORES)('the id of a session on %s', (store) => {
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
    forward()
    browser = newBrowser(keyward.issuer)
  })

  const idOf = (one: Browser) => one.cookies.find(({ name }) => name === SESSION)?.value
  const sessionOf = async (id: string | undefined) => keyward.store.get<{ accountId?: string }>({ name: 'Session' }, id ?? '')

  /** What a browser gets that has these session cookies and no others. */
  async function accountPageWith(cookies: Browser['cookies']): Promise<string> {
    const other = newBrowser(keyward.issuer)
    other.cookies.push(...cookies.filter(({ name }) => name.startsWith(SESSION)))
    return (await other.open(`${keyward.issuer}/account`)).step
  }

  test('case 121: it changes with the password and with the code, and the old ones are dead', async () => {
    await walkTo(browser, newApp(keyward.issuer).authorizationUrl(), 'login')
    const before = idOf(browser)
    expect((await browser.submit({ username: 'maria', password: PASSWORD })).step).toBe('mfa')
    const withPassword = idOf(browser)
    const cookies = [...browser.cookies]
    expect(withPassword).toBeTruthy()
    expect(withPassword).not.toBe(before)
    expect((await browser.submit({ code: await totpCode('maria') })).step).toBe('patient')
    const withCode = idOf(browser)
    expect(withCode).not.toBe(withPassword)
    expect(await sessionOf(before)).toBeUndefined()
    expect(await sessionOf(withPassword)).toBeUndefined()
    expect(await sessionOf(withCode)).toMatchObject({ accountId: expect.any(String) })
    // Whoever had the cookie of the half that was signed in has nothing: it is asked for the password.
    expect(await accountPageWith(cookies)).toBe('login')
  })

  test('case 121: it changes when somebody who is signed in proves it again', async () => {
    await signInToAccount(browser, keyward.issuer)
    const before = idOf(browser)
    const cookies = [...browser.cookies]
    expect(await accountPageWith(cookies)).toBe('')
    forward()
    await walkTo(browser, newApp(keyward.issuer).authorizationUrl({ prompt: 'login' }), 'login')
    await browser.submit({ username: 'maria', password: PASSWORD })
    expect(idOf(browser)).not.toBe(before)
    expect(await sessionOf(before)).toBeUndefined()
    expect(await accountPageWith(cookies)).toBe('login')
  })

  test.each([
    ['without a signature', [{ name: SESSION, value: 'chosen-by-an-attacker-0123456789', path: '/' }]],
    [
      'with a made-up signature',
      [
        { name: SESSION, value: 'chosen-by-an-attacker-0123456789', path: '/' },
        { name: `${SESSION}.sig`, value: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA', path: '/' }
      ]
    ]
  ])('case 121: an id that an attacker chose is never adopted, %s', async (_name, planted) => {
    browser.cookies.push(...planted)
    await signInToAccount(browser, keyward.issuer)
    expect(browser.page.status).toBe(200)
    expect(idOf(browser)).not.toBe('chosen-by-an-attacker-0123456789')
    expect(await sessionOf('chosen-by-an-attacker-0123456789')).toBeUndefined()
    expect(await accountPageWith(planted)).toBe('login')
  })

  test('case 121: a cookie of ours whose session is gone is not adopted', async () => {
    await signInToAccount(browser, keyward.issuer)
    const id = idOf(browser)
    const planted = browser.cookies.filter(({ name }) => name.startsWith(SESSION))
    await keyward.store.delete({ name: 'Session' }, id ?? '')
    const victim = newBrowser(keyward.issuer)
    victim.cookies.push(...planted)
    forward()
    await signInToAccount(victim, keyward.issuer)
    expect(idOf(victim)).toBeTruthy()
    expect(idOf(victim)).not.toBe(id)
    expect(await sessionOf(id)).toBeUndefined()
  })

  test('case 121: a session that an attacker began and planted is not the one that is signed in', async () => {
    // The attacker has typed a password of its own; the victim goes on with that cookie, and signs in as itself.
    const attacker = newBrowser(keyward.issuer)
    await walkTo(attacker, newApp(keyward.issuer).authorizationUrl(), 'mfa', { username: 'dr.lee' })
    const planted = attacker.cookies.filter(({ name }) => name.startsWith(SESSION))
    browser.cookies.push(...planted)
    await walkTo(browser, newApp(keyward.issuer).authorizationUrl({ prompt: 'login' }), 'login')
    await browser.submit({ username: 'maria', password: PASSWORD })
    await browser.submit({ code: await totpCode('maria') })
    expect(idOf(browser)).not.toBe(idOf(attacker))
    expect((await attacker.open(`${keyward.issuer}/account`)).html).not.toContain('Maria Diaz')
    expect(await accountPageWith(planted)).not.toBe('')
  })

  test('case 121: one sign-in leaves one session', async () => {
    const before = (await all(keyward, 'Session')).length
    await signInToAccount(browser, keyward.issuer)
    expect((await all(keyward, 'Session')).length).toBe(before + 1)
  })
})
