import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorize, introspect, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { ehrBearer } from '../harness/ehr.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { walkTo } from '../harness/on-pages.ts'
import { approvedWhile } from '../harness/visit.ts'

const SCOPE = 'openid fhirUser launch offline_access patient/Patient.rs patient/Observation.rs'

describe.each(STORES)('an app that the organization has approved for its clinicians, on %s', (store) => {
  let keyward: Keyward
  let isApproved = true
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: (config) => approvedWhile(config, () => isApproved) })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward.stop())

  async function launchUrl(app = newApp(keyward.issuer), { scope } = { scope: SCOPE }): Promise<string> {
    const answer = await fetch(`${keyward.issuer}/launch`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: await ehrBearer(keyward.issuer) },
      body: JSON.stringify({ client_id: 'heart-app', fhirServer: 'clinic', patient: 'leo', user: 'Practitioner/lee' })
    })
    const { launch }: { launch: string } = JSON.parse(await answer.text())
    return app.authorizationUrl({ scope, launch })
  }

  test('a clinician signs in and is in the app: no consent page, everything granted, and the trail says by whom', async () => {
    const browser = newBrowser(keyward.issuer)
    const app = newApp(keyward.issuer)
    const steps: string[] = []
    let page = await browser.open(await launchUrl(app))
    while (page.step !== '') {
      steps.push(page.step)
      expect(steps).toEqual(['login'])
      page = await browser.submit({ username: 'dr.lee', password: 'correct horse battery staple' })
    }
    const { body } = await app.redeem(app.codeFrom(page))
    expect(body.scope?.split(' ').sort()).toEqual(SCOPE.split(' ').sort())
    expect(await keyward.auditEvents('consent')).toEqual([
      expect.objectContaining({
        outcome: 'granted',
        reason: 'approved-by-organization',
        clientId: 'heart-app',
        patient: 'leo',
        scopes: ['openid', 'fhirUser', 'launch', 'patient/Patient.rs', 'patient/Observation.rs', 'offline_access'],
        notGranted: []
      })
    ])
  })

  test('the second launch finds the approval as it stands, and adds nothing to the trail', async () => {
    const browser = newBrowser(keyward.issuer)
    await authorize(browser, await launchUrl(), { username: 'dr.lee' })
    expect(await keyward.auditEvents('consent')).toHaveLength(1)
  })

  test('a patient is asked all the same', async () => {
    const page = await walkTo(
      newBrowser(keyward.issuer),
      newApp(keyward.issuer).authorizationUrl({ scope: 'openid launch/patient patient/Patient.rs' }),
      'consent'
    )
    expect(page.step).toBe('consent')
  })

  test('once the approval is taken back, the clinician is asked', async () => {
    isApproved = false
    try {
      const page = await walkTo(newBrowser(keyward.issuer), await launchUrl(), 'consent', { username: 'dr.lee' })
      expect(page.step).toBe('consent')
    } finally {
      isApproved = true
    }
  })

  test('once the approval is taken back, the tokens that came of it are worth nothing', async () => {
    const app = newApp(keyward.issuer)
    const { body } = await app.redeem(
      app.codeFrom(await authorize(newBrowser(keyward.issuer), await launchUrl(app), { username: 'dr.lee' }))
    )
    const [access, refresh] = [body.access_token ?? '', body.refresh_token ?? '']
    expect((await introspect(keyward.issuer, access)).body).toMatchObject({ active: true })
    isApproved = false
    try {
      expect((await introspect(keyward.issuer, access)).text).toBe('{"active":false}')
      expect(await app.refresh(refresh)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    } finally {
      isApproved = true
    }
  })

  test('what the organization had allowed is not allowed by a clinician who then allows less', async () => {
    isApproved = false
    try {
      const less = { scope: 'openid launch patient/Patient.rs' }
      const app = newApp(keyward.issuer)
      const { body } = await app.redeem(
        app.codeFrom(await authorize(newBrowser(keyward.issuer), await launchUrl(app, less), { username: 'dr.lee' }))
      )
      expect(body.scope).toBe(less.scope)
      const page = await walkTo(newBrowser(keyward.issuer), await launchUrl(), 'consent', { username: 'dr.lee' })
      expect(page.step).toBe('consent')
    } finally {
      isApproved = true
    }
  })
})
