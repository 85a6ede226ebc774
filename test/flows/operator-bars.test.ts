import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccounts } from '../../src/accounts/accounts.ts'
import { createPasswords } from '../../src/accounts/password.ts'
import { createClients } from '../../src/clients/clients.ts'
import { authorize, introspect, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { ehrBearer } from '../harness/ehr.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { withoutSecondFactor } from '../harness/visit.ts'

/** What the operator's commands write to the store, seen by a server that runs on. */
describe.each(STORES)('an operator bars, on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({
      store,
      change: withoutSecondFactor
    })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward.stop())

  const clients = () => createClients({ configured: keyward.config.clients, issuer: keyward.issuer, store: keyward.store })
  const connected = async () => {
    const app = newApp(keyward.issuer)
    const { body } = await app.redeem(app.codeFrom(await authorize(newBrowser(keyward.issuer), app.authorizationUrl())))
    return { app, accessToken: body.access_token ?? '', refreshToken: body.refresh_token ?? '' }
  }
  const isActive = async (token: string) => (await introspect(keyward.issuer, token)).body.active

  test('an app: no code, no token, and its tokens are worth nothing until it is enabled again', async () => {
    const { app, accessToken, refreshToken } = await connected()
    await clients().setDisabled('heart-app', true)
    expect(await isActive(accessToken)).toBe(false)
    expect((await app.refresh(refreshToken)).status).toBe(400)
    const answer = await newBrowser(keyward.issuer).open(app.authorizationUrl())
    expect(new URL(answer.url).searchParams.get('error')).toBe('unauthorized_client')
    await clients().setDisabled('heart-app', false)
    expect(await isActive(accessToken)).toBe(true)
  })

  test('a FHIR server and an EHR: neither gets an answer', async () => {
    const { accessToken } = await connected()
    const ehr = await ehrBearer(keyward.issuer)
    const launch = () =>
      fetch(`${keyward.issuer}/launch`, {
        method: 'POST',
        headers: { Authorization: ehr, 'Content-Type': 'application/json' },
        body: JSON.stringify({ client_id: 'heart-app', fhirServer: 'clinic' })
      })
    for (const id of ['clinic-fhir', 'clinic-ehr']) await clients().setDisabled(id, true)
    expect((await introspect(keyward.issuer, accessToken)).status).toBe(401)
    expect((await launch()).status).toBe(401)
    for (const id of ['clinic-fhir', 'clinic-ehr']) await clients().setDisabled(id, false)
    expect((await introspect(keyward.issuer, accessToken)).status).toBe(200)
    expect((await launch()).status).toBe(201)
  })

  test('an account: it can not sign in, its tokens are worth nothing, and once enabled its apps are connected again', async () => {
    const accounts = createAccounts({ store: keyward.store, passwords: await createPasswords(), now: Date.now })
    const { app, accessToken, refreshToken } = await connected()
    const { sub = '' } = (await accounts.findByUsername('maria')) ?? {}
    await accounts.setDisabled(sub, true)
    expect(await isActive(accessToken)).toBe(false)
    const page = await authorize(newBrowser(keyward.issuer), app.authorizationUrl())
    expect(page).toMatchObject({ step: 'login', status: 422 })
    await accounts.setDisabled(sub, false)
    expect(await isActive(accessToken)).toBe(true)
    expect((await app.refresh(refreshToken)).status).toBe(200)
  })
})
