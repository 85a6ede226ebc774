import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { forward, post, type Step, signInToAccount, stateOf, walkTo } from '../harness/on-pages.ts'
import { theRecordOf } from '../harness/visit.ts'

const STEPS: Step[] = ['login', 'mfa', 'patient', 'consent']
const FIELDS: Record<Step, Record<string, string>> = {
  login: { username: 'maria', password: PASSWORD },
  mfa: { code: '123456' },
  patient: { patient: 'leo' },
  consent: { decision: 'allow', scope: 'patient/Patient.rs', duration: '1year' }
}

describe.each(STORES)('an authorization that another browser started, on %s', (store) => {
  let keyward: Keyward
  let attacker: Browser
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
    attacker = newBrowser(keyward.issuer)
  })

  // Decided before or not, the person is asked.
  const url = () => newApp(keyward.issuer).authorizationUrl({ prompt: 'consent' })

  describe.each(STEPS)('at the step %s', (step) => {
    test('case 93: a browser without cookies is refused the page', async () => {
      const page = await walkTo(attacker, url(), step)
      const victim = newBrowser(keyward.issuer)
      const before = await stateOf(keyward)
      const event = await theRecordOf(keyward, async () => {
        expect((await victim.send(page.url)).status).toBe(400)
      })
      expect(event).toEqual({ type: 'request', outcome: 'refused', reason: 'other-browser' })
      expect(await stateOf(keyward)).toEqual(before)
    })

    test('case 93: a browser with the same step open is refused the page, and its form', async () => {
      const victim = newBrowser(keyward.issuer)
      await walkTo(victim, url(), step)
      const form = victim.form()
      forward()
      const page = await walkTo(attacker, url(), step)
      const before = await stateOf(keyward)
      expect((await victim.send(page.url)).status).toBe(400)
      const event = await theRecordOf(keyward, async () => {
        // With the token of its own page, so that nothing else can be what refuses it.
        expect((await post(victim, form, FIELDS[step], { url: page.url })).status).toBe(400)
      })
      expect(event).toEqual({ type: 'request', outcome: 'refused', reason: 'other-browser' })
      expect(await stateOf(keyward)).toEqual(before)
    })
  })

  test.each(['without cookies', 'that is signed in', 'that is on its own way'])(
    'case 93: what one browser decided is not resumed in another, %s',
    async (kind) => {
      const victim = newBrowser(keyward.issuer)
      if (kind === 'that is signed in') await signInToAccount(victim, keyward.issuer)
      if (kind === 'that is on its own way') await walkTo(victim, url(), 'consent')
      forward()
      await walkTo(attacker, url(), 'consent')
      const resume = (
        await post(attacker, attacker.form(), { decision: 'allow', scope: 'patient/Patient.rs', duration: '1year' })
      ).headers.get('location')
      const before = await stateOf(keyward)
      const event = await theRecordOf(keyward, async () => {
        const answer = await victim.send(resume ?? '')
        expect({ status: answer.status, location: answer.headers.get('location') }).toEqual({ status: 400, location: null })
      })
      expect(event).toMatchObject({ type: 'authorization', outcome: 'refused' })
      expect((await stateOf(keyward)).Grant).toEqual(before.Grant)
      expect((await stateOf(keyward)).AuthorizationCode).toEqual(before.AuthorizationCode)
      // The one that decided can still go on.
      expect((await attacker.open(resume ?? '')).url).toContain('code=')
    }
  )

  test('case 93: a stolen interaction cookie without its signature is worth nothing', async () => {
    const page = await walkTo(attacker, url(), 'consent')
    const victim = newBrowser(keyward.issuer)
    victim.cookies.push(...attacker.cookies.filter(({ name }) => name === 'keyward_interaction'))
    expect((await victim.send(page.url)).status).toBe(400)
    expect((await attacker.send(page.url)).status).toBe(200)
  })

  test('case 93: sign-in of somebody else in between ends what was begun before', async () => {
    const page = await walkTo(attacker, url(), 'consent')
    const form = attacker.form()
    const others = newBrowser(keyward.issuer)
    forward()
    await signInToAccount(others, keyward.issuer, { username: 'dr.lee' })
    // The session of another person comes into the browser, as by a cookie that was planted.
    const planted = others.cookies.filter(({ name }) => name.startsWith('keyward_session'))
    for (const cookie of planted)
      attacker.cookies.splice(
        attacker.cookies.findIndex(({ name }) => name === cookie.name),
        1,
        cookie
      )
    const before = await stateOf(keyward)
    const answer = await post(attacker, form, FIELDS.consent, { url: page.url })
    const resumed = answer.status === 303 ? await attacker.send(answer.headers.get('location') ?? '') : answer
    expect({ status: resumed.status, location: resumed.headers.get('location') }).toEqual({ status: 400, location: null })
    expect((await stateOf(keyward)).Grant).toEqual(before.Grant)
  })
})
