import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { all, post, textOf, walkTo } from '../harness/on-pages.ts'
import { recorded, withoutSecondFactor } from '../harness/visit.ts'

const ALLOW = { decision: 'allow', scope: ['patient/Patient.rs'], duration: '1year' }

describe.each(STORES)('forms that are sent more than once, on %s', (store) => {
  let keyward: Keyward
  let browser: Browser
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withoutSecondFactor })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward.stop())
  beforeEach(() => {
    browser = newBrowser(keyward.issuer)
  })

  const url = () => newApp(keyward.issuer).authorizationUrl({ prompt: 'consent' })
  const grants = async () => (await all(keyward, 'Grant')).length

  /** Sends a form and follows where it leads, up to the app; a clear error ends it. */
  async function through(answer: Response): Promise<{ status: number; code: string | null }> {
    let response = answer
    for (let hops = 0; hops < 5; hops++) {
      const location = response.headers.get('location')
      if (location === null) break
      const target = new URL(location, keyward.issuer)
      if (target.origin !== keyward.issuer) return { status: response.status, code: target.searchParams.get('code') }
      response = await browser.send(target.href)
    }
    return { status: response.status, code: null }
  }

  test.each(Array.from({ length: 5 }, (_, index) => index + 1))('case 96: a double click gives one grant, round %i', async () => {
    await walkTo(browser, url(), 'consent')
    const form = browser.form()
    const before = await grants()
    const records = await recorded(keyward, async () => {
      const both = await Promise.all([1, 2].map(async () => through(await post(browser, form, ALLOW))))
      expect(both.filter(({ code }) => code !== null)).toHaveLength(1)
      for (const { status } of both) expect([200, 303, 400]).toContain(status)
    })
    expect(await grants()).toBe(before + 1)
    const granted = records.filter(({ event }) => event.type === 'authorization' && event.outcome === 'granted')
    expect(granted).toHaveLength(1)
  })

  test('case 96: ten clicks at once give one grant, and no error of ours', async () => {
    await walkTo(browser, url(), 'consent')
    const form = browser.form()
    const before = await grants()
    const ends = await Promise.all(Array.from({ length: 10 }, async () => through(await post(browser, form, ALLOW))))
    expect(ends.filter(({ code }) => code !== null)).toHaveLength(1)
    for (const { status } of ends) expect([200, 303, 400]).toContain(status)
    expect(await grants()).toBe(before + 1)
  })

  test('case 96: the address that a decision leads to, opened twice at once, gives one grant', async () => {
    await walkTo(browser, url(), 'consent')
    const resume = (await post(browser, browser.form(), ALLOW)).headers.get('location') ?? ''
    const before = await grants()
    const ends = await Promise.all([1, 2, 3].map(async () => through(await browser.send(resume))))
    expect(ends.filter(({ code }) => code !== null)).toHaveLength(1)
    for (const { status } of ends) expect([200, 303, 400]).toContain(status)
    expect(await grants()).toBe(before + 1)
    const again = await browser.open(resume)
    expect(again.status).toBe(400)
    expect(textOf(again)).toContain('This page is too old')
  })

  test('case 96: the form of a decision that was taken, sent once more, is a clear error', async () => {
    await walkTo(browser, url(), 'consent')
    const form = browser.form()
    expect((await browser.submit(ALLOW)).url).toContain('code=')
    const before = await grants()
    const records = await recorded(keyward, async () => {
      const again = await post(browser, form, ALLOW)
      expect(again.status).toBe(400)
      expect(await again.text()).toContain('This step is not open')
    })
    expect(records.map(({ event }) => event)).toEqual([{ type: 'request', outcome: 'refused', reason: 'step-not-open' }])
    expect(await grants()).toBe(before)
  })

  test.each(['login', 'patient', 'consent'] as const)(
    'case 96: going back to the step %s, when all is done, is a clear error',
    async (step) => {
      const page = await walkTo(browser, url(), step)
      const form = browser.form()
      await walkOn()
      const before = await grants()
      const back = await browser.open(page.url)
      expect(back.status).toBe(400)
      expect(back.html).toContain('Go back to the app and start again.')
      expect((await post(browser, form, { ...ALLOW, username: 'maria', password: PASSWORD })).status).toBe(400)
      expect(await grants()).toBe(before)
    }
  )

  test.each(['login', 'patient'] as const)(
    'case 96: going back to the step %s in between is a clear error, and the way goes on',
    async (step) => {
      const page = await walkTo(browser, url(), step)
      const form = browser.form()
      while (browser.page.step !== 'consent') await onward()
      const consent = browser.page
      expect((await browser.send(page.url)).status).toBe(400)
      expect(
        (await post(browser, form, step === 'login' ? { username: 'maria', password: PASSWORD } : { patient: 'maria' })).status
      ).toBe(400)
      await browser.open(consent.url)
      expect((await browser.submit(ALLOW)).url).toContain('code=')
    }
  )

  test('case 96: two tabs each end in a grant of their own', async () => {
    const [one, other] = [newApp(keyward.issuer), newApp(keyward.issuer)]
    await walkTo(browser, one.authorizationUrl({ prompt: 'consent' }), 'consent', { patient: 'leo' })
    const first = browser.form()
    await walkTo(browser, other.authorizationUrl({ prompt: 'consent' }), 'consent', { patient: 'maria' })
    const second = browser.form()
    const endOfFirst = await through(await post(browser, first, ALLOW))
    const endOfSecond = await through(await post(browser, second, ALLOW))
    expect((await one.redeem(endOfFirst.code ?? '')).body.patient).toBe('leo')
    expect((await other.redeem(endOfSecond.code ?? '')).body.patient).toBe('maria')
  })

  test('case 96: two tabs that sign in at once: one grant each or a clear error', async () => {
    await walkTo(browser, url(), 'login')
    const first = browser.form()
    await walkTo(browser, url(), 'login')
    const second = browser.form()
    const fields = { username: 'maria', password: PASSWORD }
    const ends = await Promise.all([first, second].map(async (form) => through(await post(browser, form, fields))))
    for (const { status } of ends) expect([200, 303, 400]).toContain(status)
    expect(ends.some(({ status }) => status === 200)).toBe(true)
  })

  async function onward(): Promise<void> {
    const fields: Record<string, Record<string, string | string[]>> = {
      login: { username: 'maria', password: PASSWORD },
      patient: { patient: 'leo' },
      consent: ALLOW
    }
    await browser.submit(fields[browser.page.step] ?? {})
  }

  async function walkOn(): Promise<void> {
    while (browser.page.step !== '') await onward()
    expect(browser.page.url).toContain('code=')
  }
})
