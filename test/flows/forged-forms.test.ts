import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { authorize, newApp, totpCode } from '../harness/app-client.ts'
import { type Browser, type Form, newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { forward, post, type Sent, signInToAccount, stateOf, walkTo } from '../harness/on-pages.ts'
import { theRecordOf } from '../harness/visit.ts'

interface Ready {
  browser: Browser
  form: Form
  fields: Record<string, string | string[]>
}

/** A browser in which the form is open and would be accepted as it stands. */
const FORMS: Record<string, (keyward: Keyward) => Promise<Ready>> = {
  async 'sign-in'(keyward) {
    const browser = newBrowser(keyward.issuer)
    await walkTo(browser, newApp(keyward.issuer).authorizationUrl(), 'login')
    return { browser, form: browser.form(), fields: { username: 'maria', password: PASSWORD } }
  },
  async 'one-time code'(keyward) {
    const browser = newBrowser(keyward.issuer)
    await walkTo(browser, newApp(keyward.issuer).authorizationUrl(), 'mfa')
    return { browser, form: browser.form(), fields: { code: await totpCode('maria') } }
  },
  async 'choice of a patient'(keyward) {
    const browser = newBrowser(keyward.issuer)
    await walkTo(browser, newApp(keyward.issuer).authorizationUrl(), 'patient')
    return { browser, form: browser.form(), fields: { patient: 'leo' } }
  },
  async consent(keyward) {
    const browser = newBrowser(keyward.issuer)
    await walkTo(browser, newApp(keyward.issuer).authorizationUrl(), 'consent')
    return { browser, form: browser.form(), fields: { decision: 'allow', scope: ['patient/Patient.rs'], duration: '1year' } }
  },
  async '/account/stop'(keyward) {
    const browser = newBrowser(keyward.issuer)
    await authorize(browser, newApp(keyward.issuer).authorizationUrl())
    await browser.open(`${keyward.issuer}/account`)
    return { browser, form: browser.form(0), fields: {} }
  },
  async '/account/sign-out'(keyward) {
    const browser = newBrowser(keyward.issuer)
    await signInToAccount(browser, keyward.issuer)
    return { browser, form: browser.form(), fields: {} }
  }
}

const sameOrigin = (keyward: Keyward) => ({ Origin: keyward.issuer, 'Sec-Fetch-Site': 'same-origin' })

/** What each forgery sends instead of what the browser would. */
const FORGERIES: Record<string, (keyward: Keyward) => Promise<Sent>> = {
  'no token': async (keyward) => ({ csrf: undefined, headers: sameOrigin(keyward) }),
  'the token of another session': async (keyward) => {
    const other = newBrowser(keyward.issuer)
    await walkTo(other, newApp(keyward.issuer).authorizationUrl(), 'login')
    return { csrf: other.form().hidden.csrf, headers: sameOrigin(keyward) }
  },
  'Sec-Fetch-Site: cross-site': async () => ({ headers: { 'Sec-Fetch-Site': 'cross-site' } }),
  'Sec-Fetch-Site: same-site': async () => ({ headers: { 'Sec-Fetch-Site': 'same-site' } }),
  'a foreign Origin': async () => ({ headers: { Origin: 'https://evil.example' } }),
  'Origin: null': async () => ({ headers: { Origin: 'null' } })
}

describe.each(STORES)('forged forms on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    keyward = await startKeyward({ store })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(async () => {
    vi.useRealTimers()
    await keyward.stop()
  })

  describe.each(Object.keys(FORMS))('%s', (name) => {
    let ready: Ready
    beforeAll(async () => {
      forward()
      const made = await FORMS[name]?.(keyward)
      if (!made) throw new Error(`no form ${name}`)
      ready = made
    })

    test.each(Object.keys(FORGERIES))('case 92: %s is refused, and nothing changes', async (forgery) => {
      const { browser, form, fields } = ready
      const sent = await FORGERIES[forgery]?.(keyward)
      const before = await stateOf(keyward)
      const event = await theRecordOf(keyward, async () => {
        expect((await post(browser, form, fields, sent)).status).toBe(403)
      })
      expect(event).toEqual({ type: 'request', outcome: 'refused', reason: 'csrf' })
      expect(await stateOf(keyward)).toEqual(before)
    })

    test('case 92: GET instead of POST changes nothing', async () => {
      const { browser, form, fields } = ready
      const query = new URLSearchParams(form.hidden)
      for (const [field, value] of Object.entries(fields)) for (const one of [value].flat()) query.append(field, one)
      const before = await stateOf(keyward)
      const { status } = await browser.send(`${form.action}?${query}`, { headers: sameOrigin(keyward) })
      // The address of a step is that of its page too: a GET shows the page once more, as it was.
      if (new URL(form.action).pathname.startsWith('/interaction/')) expect(status).toBe(200)
      else expect([404, 405]).toContain(status)
      expect(await stateOf(keyward)).toEqual(before)
    })

    // The forms above were refused for what was forged, and not for something else.
    test('case 92: as its own page sends it, the form is accepted', async () => {
      const { browser, form, fields } = ready
      const before = await stateOf(keyward)
      const { status } = await post(browser, form, fields, { headers: sameOrigin(keyward) })
      expect(status).not.toBe(403)
      expect(await stateOf(keyward)).not.toEqual(before)
    })
  })
})
