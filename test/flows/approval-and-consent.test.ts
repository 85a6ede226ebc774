/** One app that a clinician has allowed, and that the organization approves for all clinicians: two decisions, of which each ends alone. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { authorize, introspect, newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import { mint } from '../harness/ehr.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { approvedWhile, pressAtAccount, recorded } from '../harness/visit.ts'

const SCOPE = 'openid fhirUser launch offline_access patient/Patient.rs patient/Observation.rs'
const LESS = 'openid launch patient/Patient.rs'

describe.each(STORES)("a clinician's yes and the organization's approval, on %s", (store) => {
  let keyward: Keyward
  let isApproved = false
  let browser: Browser
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: (config) => approvedWhile(config, () => isApproved) })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward?.stop())
  beforeEach(async () => {
    isApproved = false
    browser = newBrowser(keyward.issuer)
  })

  async function tokens(scope: string): Promise<{ access: string; scope: string | undefined }> {
    const app = newApp(keyward.issuer)
    const launch = await mint(keyward.issuer, { client_id: 'heart-app', fhirServer: 'clinic', patient: 'leo' })
    const { body } = await app.redeem(
      app.codeFrom(await authorize(browser, app.authorizationUrl({ scope, launch }), { username: 'dr.lee' }))
    )
    return { access: body.access_token ?? '', scope: body.scope }
  }

  /** A token by the person's own yes, then one by the approval. */
  async function both(): Promise<{ own: string; approved: string }> {
    const own = await tokens(LESS)
    expect(own.scope).toBe(LESS)
    isApproved = true
    const approved = await tokens(SCOPE)
    expect(approved.scope?.split(' ').sort()).toEqual(SCOPE.split(' ').sort())
    return { own: own.access, approved: approved.access }
  }

  const isActive = async (token: string) => (await introspect(keyward.issuer, token)).body.active

  async function accountPage(): Promise<string> {
    return (await browser.open(`${keyward.issuer}/account`)).html
  }

  test('case 72: Stop ends what the person allowed, and nothing of what the organization approved', async () => {
    const { own, approved } = await both()
    const events = await recorded(keyward, () => pressAtAccount({ browser }, keyward, 'stop'))
    expect(events.filter(({ event }) => event.type === 'access-ended')).toHaveLength(1)
    expect([await isActive(own), await isActive(approved)]).toEqual([false, true])
  })

  test('the page says who decided, and Stop for now ends what the approval gave, and nothing else', async () => {
    const { own, approved } = await both()
    const page = await accountPage()
    expect(page).toContain('Apps that Sample Clinic chose')
    expect(page).toContain('Sample Clinic takes it back')
    expect(page.split('<li class="card">')).toHaveLength(3)
    expect(await pressAtAccount({ browser }, keyward, 'stop-for-now')).toContain('Stopped for now.')
    expect([await isActive(own), await isActive(approved)]).toEqual([true, false])
    // The organization's decision stands: the next launch needs nobody.
    expect(await isActive((await tokens(SCOPE)).access)).toBe(true)
    await pressAtAccount({ browser }, keyward, 'stop')
  })

  test('an approval that is taken back ends what came of it, is on the page no more, and leaves what the person allowed', async () => {
    const { own, approved } = await both()
    isApproved = false
    expect([await isActive(own), await isActive(approved)]).toEqual([true, false])
    const page = await accountPage()
    expect(page).not.toContain('Apps that Sample Clinic chose')
    expect(page.split('<li class="card">')).toHaveLength(2)
    // What the person has said yes to is theirs, and is not asked again.
    expect((await tokens(LESS)).scope).toBe(LESS)
    await pressAtAccount({ browser }, keyward, 'stop')
    expect(await isActive(own)).toBe(false)
  })

  test('case 97: where the app asks for the page, what the clinician leaves out there stays out', async () => {
    isApproved = true
    const app = newApp(keyward.issuer)
    const launch = await mint(keyward.issuer, { client_id: 'heart-app', fhirServer: 'clinic', patient: 'leo' })
    await browser.open(app.authorizationUrl({ scope: SCOPE, launch, prompt: 'consent' }))
    await browser.submit({ username: 'dr.lee', password: PASSWORD })
    expect(browser.page.step).toBe('consent')
    const { body } = await app.redeem(app.codeFrom(await browser.submit({ decision: 'allow', scope: ['patient/Patient.rs'] })))
    expect(body.scope?.split(' ').sort()).toEqual('openid fhirUser launch patient/Patient.rs'.split(' ').sort())
  })
})
