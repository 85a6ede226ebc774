/** Case 144: the audit trail alone can't be written, as where its disk is full. No token leaves unaudited; it recovers by itself. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifyAudit } from '../../src/audit/verify.ts'
import { type Store, StoreUnavailable, type Write } from '../../src/store/store.ts'
import { type AppClient, authorize, basic, introspect, newApp, type TokenResponse } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import { ehrBearer } from '../harness/ehr.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { newWalk } from '../harness/walk.ts'

describe.each(STORES)('case 144: the audit trail can not be written, on %s', (store) => {
  let keyward: Keyward
  let isFull = false
  let ehr: string
  let heart: AppClient
  let browser: Browser
  const newTokens = async (): Promise<TokenResponse['body']> =>
    (await heart.redeem(heart.codeFrom(await authorize(browser, heart.authorizationUrl())))).body

  beforeAll(async () => {
    keyward = await startKeyward({
      store,
      wrapStore: withoutAuditWrites,
      // Each token is good once, and no second try is forgiven.
      change: (config) => ({ ...config, lifetimes: { ...config.lifetimes, refreshRetry: 0 } })
    })
    expect(await storeOf(keyward.issuer)).toBe(store)
    heart = newApp(keyward.issuer)
    browser = newBrowser(keyward.issuer)
    await newTokens()
    ehr = await ehrBearer(keyward.issuer)
  })
  afterAll(() => keyward.stop())

  /** The store as it is, but for writes of audit records while `isFull`. */
  function withoutAuditWrites(whole: Store): Store {
    return {
      ...whole,
      async commit(writes: Write[]) {
        if (isFull && writes.some(({ kind }) => kind.name.startsWith('audit-'))) throw new StoreUnavailable('the disk is full')
        return whole.commit(writes)
      }
    }
  }

  async function whileFull<T>(work: () => Promise<T>): Promise<T> {
    isFull = true
    try {
      return await work()
    } finally {
      isFull = false
    }
  }

  async function expectAway(answer: Response): Promise<void> {
    expect(answer.status).toBe(503)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(answer.headers.get('location')).toBeNull()
    const text = await answer.text()
    expect(text).not.toMatch(/kw_(at|rt|ac)_|id_token|disk/)
    expect(text).toContain(answer.headers.get('x-request-id'))
    const alarm = keyward.log.filter(
      (line) => line.includes(answer.headers.get('x-request-id') ?? '-') && line.includes('"level":"error"')
    )
    expect(alarm).toHaveLength(1)
    expect(alarm[0]).toContain('the disk is full')
  }

  const refresh = (token: string): Promise<Response> =>
    heart.post('/token', { grant_type: 'refresh_token', client_id: 'heart-app', refresh_token: token })
  const launch = (): Promise<Response> =>
    fetch(`${keyward.issuer}/launch`, {
      method: 'POST',
      headers: { Authorization: ehr, 'Content-Type': 'application/json' },
      body: JSON.stringify({ client_id: 'heart-app', fhirServer: 'clinic', patient: 'maria' })
    })

  test('a refresh: 503, no token, and the old refresh token is good afterwards, once', async () => {
    const { access_token: access = '', refresh_token: old = '' } = await newTokens()
    const answer = await whileFull(() => refresh(old))
    expect(await answer.clone().json()).toMatchObject({ error: 'temporarily_unavailable' })
    await expectAway(answer)
    expect((await introspect(keyward.issuer, access)).body.active).toBe(true)
    expect((await heart.refresh(old)).status).toBe(200)
    expect((await heart.refresh(old)).body.error).toBe('invalid_grant')
  })

  test('a code: 503, no token, and the code is good afterwards, once', async () => {
    const code = heart.codeFrom(await authorize(browser, heart.authorizationUrl()))
    const redirect_uri = 'http://localhost:9002/app'
    const form = { grant_type: 'authorization_code', client_id: 'heart-app', code, redirect_uri, code_verifier: heart.verifier }
    await expectAway(await whileFull(() => heart.post('/token', form)))
    expect((await heart.redeem(code)).status).toBe(200)
    expect((await heart.redeem(code)).body.error).toBe('invalid_grant')
  })

  test('an authorization: 503 and a page, no code', async () => {
    await browser.open(heart.authorizationUrl())
    const { action, hidden } = browser.form()
    const body = new URLSearchParams({ ...hidden, patient: 'leo' })
    const send = (): Promise<Response> => browser.send(action, { method: 'POST', body, headers: { Origin: keyward.issuer } })
    await expectAway(await whileFull(send))
    const next = (await send()).headers.get('location') ?? ''
    await expectAway(await whileFull(() => browser.send(next)))
    // The steps of that authorization are over; the person, still signed in, starts again at the app.
    expect(heart.codeFrom(await authorize(browser, heart.authorizationUrl()))).toMatch(/^kw_ac_/)
  })

  test('a sign-in: 503 and the page with an id; afterwards the same form is taken', async () => {
    const walk = newWalk(keyward.issuer)
    await walk.start()
    await expectAway(await whileFull(() => walk.send({ username: 'dr.lee', password: PASSWORD })))
    expect((await walk.send({ username: 'dr.lee', password: PASSWORD })).status).toBe(303)
    expect(walk.browser.page.step).toBe('mfa')
  })

  test('a launch: 503 and no handle', async () => {
    await expectAway(await whileFull(launch))
    expect((await launch()).status).toBe(201)
  })

  test('a revocation: 503, and it can be asked for again', async () => {
    const { access_token: access = '', refresh_token: token = '' } = await newTokens()
    await expectAway(await whileFull(() => heart.revoke(token)))
    expect((await heart.revoke(token)).status).toBe(200)
    expect((await introspect(keyward.issuer, access)).text).toBe('{"active":false}')
  })

  test.each<[string, () => Promise<Response>]>([
    ['an unknown refresh token', () => refresh('unknown')],
    [
      'a wrong client secret',
      () =>
        heart.post('/token', { grant_type: 'refresh_token', refresh_token: 'x' }, { Authorization: basic('lab-app', 'wrong') })
    ],
    ['an introspection without a secret', () => heart.post('/introspect', { token: 'x' })],
    ['a launch without a token', () => fetch(`${keyward.issuer}/launch`, { method: 'POST' })],
    ['a request for another host', () => fetch(keyward.issuer.replace('localhost', '127.0.0.1'))]
  ])('a refusal that could not be recorded is no refusal: %s', async (_what, ask) => {
    await expectAway(await whileFull(ask))
  })

  test('what needs no record goes on, and the trail is whole afterwards', async () => {
    const { access_token: access = '' } = await newTokens()
    const active = await whileFull(() => introspect(keyward.issuer, access))
    expect(active.body).toMatchObject({ active: true, patient: 'leo' })
    expect(await verifyAudit(keyward.store)).toMatchObject({ ok: true })
  })
})
