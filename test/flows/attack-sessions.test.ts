import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { introspect } from '../harness/app-client.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { newVisit, pressAtAccount, type Visit, withoutSecondFactor } from '../harness/visit.ts'

const ASKED = { scope: 'openid online_access user/Patient.rs' }

describe.each(STORES)('a session that is kept busy, on %s', (store) => {
  let keyward: Keyward
  let beforeChange: (() => Promise<void>) | undefined
  beforeAll(async () => {
    keyward = await startKeyward({
      store,
      change: withoutSecondFactor,
      wrapStore: (inner) => ({
        ...inner,
        async put(kind, id, record, options) {
          if (kind.name === 'Session' || kind.name === 'session-end') await beforeChange?.()
          await inner.put(kind, id, record, options)
        },
        async delete(kind, id) {
          if (kind.name === 'Session') await beforeChange?.()
          await inner.delete(kind, id)
        }
      })
    })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterEach(() => {
    beforeChange = undefined
    vi.useRealTimers()
  })
  afterAll(() => keyward.stop())

  async function isSignedIn({ browser }: Visit): Promise<boolean> {
    return (await browser.send(`${keyward.issuer}/account`)).status === 200
  }

  /** Starts something, and stops it where a session is about to be changed. */
  async function hold(start: () => Promise<unknown>): Promise<() => Promise<unknown>> {
    const held = Promise.withResolvers<void>()
    const reached = new Promise<void>((resolve) => {
      beforeChange = () => {
        resolve()
        return held.promise
      }
    })
    const underWay = start()
    await reached
    beforeChange = undefined
    return () => {
      held.resolve()
      return underWay
    }
  }

  async function expectEnded(visit: Visit, access: string): Promise<void> {
    expect(await isSignedIn(visit)).toBe(false)
    expect((await introspect(keyward.issuer, access)).text).toBe('{"active":false}')
  }

  test('sign-out ends it, although an answer is under way that would store it again', async () => {
    const visit = newVisit(keyward)
    const { access } = await visit.tokens(ASKED)
    const goOn = await hold(() => visit.browser.send(visit.app.authorizationUrl({ ...ASKED, prompt: 'none' })))
    await pressAtAccount(visit, keyward, 'sign-out')
    await goOn()
    await expectEnded(visit, access)
  })

  test('sign-out ends it, although it is given a new id meanwhile', async () => {
    const visit = newVisit(keyward)
    const { access } = await visit.tokens(ASKED)
    const { browser, app } = visit
    await browser.open(app.authorizationUrl({ ...ASKED, prompt: 'consent' }))
    const { action, hidden } = browser.form()
    const goOn = await hold(() => pressAtAccount(visit, keyward, 'sign-out'))
    const body = new URLSearchParams({ ...hidden, decision: 'allow', scope: 'user/Patient.rs' })
    const answer = await browser.send(action, { method: 'POST', body })
    await browser.send(answer.headers.get('location') ?? '')
    await goOn()
    await expectEnded(visit, access)
  })

  test('its absolute end comes, however often something is asked', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const visit = newVisit(keyward)
    const { access } = await visit.tokens(ASKED)
    const { session, idle } = keyward.config.lifetimes
    const end = Date.now() + session * 1000
    const keepBusy = () => visit.browser.send(visit.app.authorizationUrl({ ...ASKED, prompt: 'none' }))
    while (Date.now() + idle * 500 < end) {
      vi.setSystemTime(Date.now() + idle * 500)
      await keepBusy()
    }
    vi.setSystemTime(end - 2000)
    await keepBusy()
    expect(await isSignedIn(visit)).toBe(true)
    for (const after of [-1500, -1000, -500, 0, 500, 1000]) {
      vi.setSystemTime(end + after)
      await keepBusy()
    }
    await expectEnded(visit, access)
  })
})
