import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { introspect } from '../harness/app-client.ts'
import { ehrBearer } from '../harness/ehr.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { newVisit, recorded, theRecordOf, type Visit, withoutSecondFactor } from '../harness/visit.ts'

/** Every id that Keyward stores something under, and that somebody outside could come to know. */
const KINDS = [
  'code',
  'access token',
  'refresh token',
  'session',
  'interaction',
  'launch',
  'grant',
  'consent',
  'account',
  'client',
  'pushed request'
] as const
type KindOfId = (typeof KINDS)[number]

const REQUEST_URI = 'urn:ietf:params:oauth:request_uri:'

describe.each(STORES)('case 32: an id of one kind where another is meant, on %s', (store) => {
  let keyward: Keyward
  let visit: Visit
  let ids: Record<KindOfId, string>
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withoutSecondFactor })
    expect(await storeOf(keyward.issuer)).toBe(store)
    visit = newVisit(keyward)
    const { access, refresh } = await visit.tokens()
    const other = newVisit(keyward)
    const page = await other.browser.open(other.app.authorizationUrl())
    const launched = await fetch(`${keyward.issuer}/launch`, {
      method: 'POST',
      headers: { Authorization: await ehrBearer(keyward.issuer), 'Content-Type': 'application/json' },
      body: JSON.stringify({ client_id: 'heart-app', fhirServer: 'clinic', patient: 'leo' })
    })
    const { launch }: { launch?: string } = JSON.parse(await launched.text())
    const granted = (await keyward.auditEvents('authorization')).at(-1)
    ids = {
      code: await visit.code(),
      'access token': access,
      'refresh token': refresh,
      session: visit.browser.cookies.find(({ name }) => name === 'keyward_session')?.value ?? '',
      interaction: /interaction\/([^/]+)/.exec(page.url)?.[1] ?? '',
      launch: launch ?? '',
      grant: granted?.grantId ?? '',
      consent: (await keyward.auditEvents('consent'))[0]?.consentId ?? '',
      account: granted?.accountId ?? '',
      client: 'heart-app',
      'pushed request': await pushedId()
    }
    for (const [kind, id] of Object.entries(ids)) expect({ kind, known: id.length > 8 }).toEqual({ kind, known: true })
  })
  afterAll(() => keyward.stop())

  async function pushedId(): Promise<string> {
    const body = new URL(visit.app.authorizationUrl()).searchParams
    const answer = await fetch(`${keyward.issuer}/par`, { method: 'POST', body })
    const { request_uri: uri = '' }: { request_uri?: string } = JSON.parse(await answer.text())
    return uri.slice(REQUEST_URI.length)
  }

  /** That all of them are still what they were. */
  async function expectIntact(): Promise<void> {
    expect((await introspect(keyward.issuer, ids['access token'])).body.active).toBe(true)
    const page = await visit.browser.open(`${keyward.issuer}/account`)
    expect(page.html).toContain('Heart App')
  }

  const except = (...own: KindOfId[]): KindOfId[] => KINDS.filter((kind) => !own.includes(kind))

  test.each(except('code'))('as a code: %s', async (kind) => {
    const event = await theRecordOf(keyward, async () => {
      expect(await visit.app.redeem(ids[kind])).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    })
    expect(event).toMatchObject({ type: 'token', outcome: 'refused', clientId: 'heart-app', grantType: 'authorization_code' })
    await expectIntact()
  })

  test.each(except('refresh token'))('as a refresh token: %s', async (kind) => {
    for (const client_id of ['heart-app', undefined]) {
      const answer = await visit.app.refresh(ids[kind], { client_id })
      // Left out, the client is found through a refresh token only: through nothing else.
      const wanted = client_id ? { status: 400, error: 'invalid_grant' } : { status: 401, error: 'invalid_client' }
      expect({ status: answer.status, error: answer.body.error }).toEqual(wanted)
    }
    await expectIntact()
  })

  test.each(except('access token'))('as an access token: %s', async (kind) => {
    expect((await introspect(keyward.issuer, ids[kind])).text).toBe('{"active":false}')
  })

  test.each(except('access token', 'refresh token'))('as a token to revoke: %s', async (kind) => {
    expect((await visit.app.revoke(ids[kind])).status).toBe(200)
    await expectIntact()
  })

  test.each(except('launch'))('as a launch: %s', async (kind) => {
    const url = visit.app.authorizationUrl({ launch: ids[kind], scope: 'launch openid patient/Patient.rs' })
    const page = await visit.browser.open(url)
    expect(new URL(page.url).searchParams.get('error')).toBe('invalid_request')
    await expectIntact()
  })

  test.each(except('interaction'))('as an interaction: %s', async (kind) => {
    for (const step of ['login', 'consent']) {
      const answer = await visit.browser.send(`${keyward.issuer}/interaction/${encodeURIComponent(ids[kind])}/${step}`)
      expect(answer.status).toBe(400)
    }
    await expectIntact()
  })

  test.each(except('session'))('as a session: %s', async (kind) => {
    const signature = visit.browser.cookies.find(({ name }) => name === 'keyward_session.sig')?.value ?? ''
    const answer = await fetch(`${keyward.issuer}/account`, {
      headers: { Cookie: `keyward_session=${ids[kind]}; keyward_session.sig=${signature}`, Accept: 'text/html' },
      redirect: 'manual'
    })
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toContain('/authorize?')
  })

  test.each(except('pushed request'))('as a pushed request: %s', async (kind) => {
    const query = new URLSearchParams({ client_id: 'heart-app', request_uri: `${REQUEST_URI}${ids[kind]}` })
    const event = await theRecordOf(keyward, async () => {
      expect((await visit.browser.send(`${keyward.issuer}/authorize?${query}`)).status).toBe(400)
    })
    expect(event).toEqual({ type: 'authorization', outcome: 'refused', reason: 'request-uri-unknown-or-used' })
    await expectIntact()
  })

  test('the code that was presented everywhere else is still good where it belongs', async () => {
    expect((await visit.app.redeem(ids.code)).status).toBe(200)
    expect((await visit.app.refresh(ids['refresh token'])).status).toBe(200)
  })

  test('a spent code stays spent, and ends its family, after it was presented everywhere else', async () => {
    const code = await visit.code()
    const { access_token = '' } = (await visit.app.redeem(code)).body
    expect((await visit.app.revoke(code)).status).toBe(200)
    expect((await visit.app.refresh(code)).body.error).toBe('invalid_grant')
    expect((await introspect(keyward.issuer, code)).text).toBe('{"active":false}')
    const launch = { launch: code, scope: 'launch patient/Patient.rs' }
    await visit.browser.open(visit.app.authorizationUrl(launch))
    expect((await introspect(keyward.issuer, access_token)).body.active).toBe(true)

    const records = await recorded(keyward, async () => {
      expect(await visit.app.redeem(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    })
    expect(records.map(({ event }) => event)).toEqual([expect.objectContaining({ type: 'token-reuse', what: 'code' })])
    expect((await introspect(keyward.issuer, access_token)).text).toBe('{"active":false}')
  })

  test('a spent refresh token stays spent after it was revoked', async () => {
    const { refresh } = await visit.tokens()
    expect((await visit.app.refresh(refresh)).status).toBe(200)
    expect((await visit.app.revoke(refresh)).status).toBe(200)
    expect(await visit.app.refresh(refresh)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })
})
