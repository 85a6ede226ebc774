/** Apps that register themselves (RFC 7591) and manage what they registered (RFC 7592). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClients } from '../../src/clients/clients.ts'
import type { Config } from '../../src/config/config.ts'
import { basic, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { FHIR_BASE } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { textOf, walkTo } from '../harness/on-pages.ts'
import {
  APP,
  ask,
  idOf,
  invitation,
  note,
  type RegistrationAnswer,
  register,
  SANDBOX_BASE,
  tokenOf,
  uriOf,
  withRegistration
} from '../harness/registering.ts'
import { newVisit } from '../harness/visit.ts'

describe.each(STORES)('registration on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withRegistration })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward?.stop())

  const manage = async (method: string, of: RegistrationAnswer, body?: unknown, path = '') => {
    const answer = await ask(method, `${uriOf(of)}${path}`, { token: tokenOf(of), body })
    note(answer)
    return answer
  }
  const registered = async (metadata: unknown = APP) => {
    const answer = await register(keyward, metadata)
    expect(answer).toMatchObject({ status: 201 })
    return answer
  }
  const withSecret = { ...APP, token_endpoint_auth_method: 'client_secret_basic' }
  /** Authenticated, and refused for its code only; otherwise invalid_client. */
  const errorWith = async (clientId: string, secret: unknown) => {
    const answer = await fetch(`${keyward.issuer}/token`, {
      method: 'POST',
      headers: { Authorization: basic(clientId, String(secret)) },
      body: new URLSearchParams({ grant_type: 'authorization_code', code: 'none', redirect_uri: 'x', code_verifier: 'y' })
    })
    const { error }: { error?: unknown } = JSON.parse(await answer.text())
    return error
  }

  test('SM-063, SM-064, SM-065, SM-072: an app registers its redirect URIs, launch URLs, type and scopes, and is told its client_id', async () => {
    const metadata = {
      ...APP,
      launch_urls: ['https://sleep.example/launch', 'https://sleep.example/launch/2'],
      scope_reasons: { 'patient/Observation.rs': 'Shows how you slept.' },
      privacy_answers: { shares: 'no', sells: 'if-you-agree', advertises: 'yes', keeps: 'longer', deletes: 'no' }
    }
    const answer = await registered(metadata)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.body).toEqual({
      ...metadata,
      launch_url: metadata.launch_urls[0],
      response_types: ['code'],
      client_id: expect.stringMatching(/^app-[\w-]{22}$/),
      client_id_issued_at: expect.any(Number),
      registration_access_token: expect.any(String),
      registration_client_uri: `${keyward.issuer}/register/${idOf(answer)}`
    })
    expect(await keyward.auditEvents('registration')).toContainEqual({
      type: 'registration',
      outcome: 'registered',
      clientId: idOf(answer)
    })
  })

  test('SM-064: discovery says where, and only where it is switched on', async () => {
    const documents = ['/.well-known/openid-configuration', '/fhir/clinic/.well-known/smart-configuration']
    for (const path of documents) {
      const document: unknown = await (await fetch(`${keyward.issuer}${path}`)).json()
      expect(document).toMatchObject({ registration_endpoint: `${keyward.issuer}/register` })
    }
  })

  test('case 81: without an initial access token, with another one or a used one, it is 401', async () => {
    const url = `${keyward.issuer}/register`
    const used = await invitation(keyward)
    expect(await ask('POST', url, { token: used, body: APP })).toMatchObject({ status: 201 })
    for (const token of [undefined, used, 'kw_iat_unknown', await invitation(keyward, () => Date.now() - 8 * 86_400_000)]) {
      const answer = await ask('POST', url, { token, body: APP })
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_token' } })
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /)
    }
  })

  test('case 81: of many registrations at once with one invitation, one is made', async () => {
    const token = await invitation(keyward)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => ask('POST', `${keyward.issuer}/register`, { token, body: APP }))
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 401)])
  })

  test('a registration that is refused leaves its invitation good', async () => {
    const token = await invitation(keyward)
    const url = `${keyward.issuer}/register`
    expect(await ask('POST', url, { token, body: { ...APP, redirect_uris: [] } })).toMatchObject({ status: 400 })
    expect(await ask('POST', url, { token, body: APP })).toMatchObject({ status: 201 })
  })

  test('SM-063, case 86, case 89: a registered app reaches the sandbox, shown as unverified with its host; its logo stays where it is', async () => {
    const answer = await registered({ ...APP, client_name: '<b>Big Bank</b>', logo_uri: 'https://sleep.example/logo.png' })
    const app = newApp(keyward.issuer, { clientId: idOf(answer), redirectUri: 'https://sleep.example/cb' })
    const url = app.authorizationUrl({ scope: APP.scope, aud: SANDBOX_BASE })
    const browser = newBrowser(keyward.issuer)
    const page = await walkTo(browser, url, 'consent')
    expect(page.html).not.toContain('<b>Big Bank')
    expect(page.html).not.toContain('logo.png')
    expect(textOf(page)).toContain('sleep.example')
    expect(textOf(page)).toContain('has not checked who makes this app')
    const visit = newVisit(keyward, { clientId: idOf(answer), redirectUri: 'https://sleep.example/cb' })
    const tokens = await visit.tokens({ scope: APP.scope, aud: SANDBOX_BASE })
    expect(tokens.response.body).toMatchObject({ patient: 'test' })
    expect((await visit.app.refresh(tokens.refresh)).status).toBe(200)
  })

  test('SM-063: other FHIR servers are closed to it', async () => {
    const answer = await registered()
    const app = newApp(keyward.issuer, { clientId: idOf(answer), redirectUri: 'https://sleep.example/cb' })
    for (const aud of [FHIR_BASE, 'http://localhost:9011/fhir']) {
      const refused = await fetch(app.authorizationUrl({ scope: APP.scope, aud }), { redirect: 'manual' })
      expect(new URL(refused.headers.get('location') ?? '').searchParams.get('error')).toBe('invalid_request')
    }
  })

  test('SM-063: a FHIR server that is no sandbox any more is closed at once, in the middle of a consent and to what was granted', async () => {
    const answer = await registered()
    const server = keyward.config.fhirServers.find(({ baseUrl }) => baseUrl === SANDBOX_BASE)
    if (!server) throw new Error('there is no sandbox')
    const options = { clientId: idOf(answer), redirectUri: 'https://sleep.example/cb' }
    const browser = newBrowser(keyward.issuer)
    const asked = newApp(keyward.issuer, options).authorizationUrl({ scope: APP.scope, aud: SANDBOX_BASE })
    await walkTo(browser, asked, 'consent')
    const visit = newVisit(keyward, options)
    const tokens = await visit.tokens({ scope: APP.scope, aud: SANDBOX_BASE })
    try {
      server.sandbox = false
      expect((await visit.app.refresh(tokens.refresh)).body).toMatchObject({ error: 'invalid_grant' })
      const page = await browser.submit({ decision: 'allow' })
      expect(page.url).not.toContain('code=')
      const granted = (await keyward.auditEvents('consent')).filter(({ clientId }) => clientId === idOf(answer))
      expect(granted).toHaveLength(1)
    } finally {
      server.sandbox = true
    }
  })

  test('the registration access token is good once, and the answer brings the next', async () => {
    const first = await registered()
    const second = await manage('GET', first)
    expect(second).toMatchObject({ status: 200, body: { client_id: idOf(first), client_name: APP.client_name } })
    expect(await manage('GET', first)).toMatchObject({ status: 401 })
    expect(await manage('GET', second)).toMatchObject({ status: 200 })
  })

  test('of many uses of one registration access token at once, one is answered', async () => {
    const first = await registered()
    const answers = await Promise.all(Array.from({ length: 6 }, () => manage('GET', first)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401, 401])
  })

  test('case 88: at another client it is 401 and void from then on', async () => {
    const [mine, theirs] = [await registered(), await registered()]
    expect(await ask('GET', uriOf(theirs), { token: tokenOf(mine) })).toMatchObject({ status: 401 })
    expect(await manage('GET', mine)).toMatchObject({ status: 401 })
    expect(await manage('GET', theirs)).toMatchObject({ status: 200 })
  })

  test('case 88: a client that is disabled stays so, and its token is void even when it is enabled again', async () => {
    const answer = await registered(withSecret)
    const clients = createClients({ configured: [], issuer: keyward.issuer, store: keyward.store })
    await clients.setDisabled(idOf(answer), true)
    const body = { ...withSecret, client_id: idOf(answer), disabled: false }
    expect(await manage('PUT', answer, body)).toMatchObject({ status: 401 })
    expect(await clients.find(idOf(answer))).toMatchObject({ disabled: true })
    const app = newApp(keyward.issuer, { clientId: idOf(answer), redirectUri: 'https://sleep.example/cb' })
    const refused = await fetch(app.authorizationUrl({ aud: SANDBOX_BASE }), { redirect: 'manual' })
    expect(refused.headers.get('location')).toContain('error=unauthorized_client')
    await clients.setDisabled(idOf(answer), false)
    expect(await manage('GET', answer)).toMatchObject({ status: 401 })
  })

  test('PUT replaces what was registered: client_id is named, what is told is not sent back, what is left out is gone', async () => {
    const first = await registered({ ...APP, tos_uri: 'https://sleep.example/tos' })
    const body = { ...APP, redirect_uris: ['https://sleep.example/new'] }
    expect(await manage('PUT', first, body)).toMatchObject({ status: 400 })
    expect(await manage('PUT', first, { ...body, client_id: idOf(first), client_id_issued_at: 1 })).toMatchObject({ status: 400 })
    const changed = await manage('PUT', first, { ...body, client_id: idOf(first) })
    expect(changed).toMatchObject({ status: 200, body: { redirect_uris: ['https://sleep.example/new'] } })
    expect(changed.body).not.toHaveProperty('tos_uri')
    expect(await manage('PUT', changed, { ...body, client_id: idOf(first), logo_uri: 'javascript:1' })).toMatchObject({
      status: 400
    })
  })

  test('case 148: a secret is told once, kept as a hash, and rotated with an overlap of a day', async () => {
    const first = await registered(withSecret)
    const id = idOf(first)
    expect(first.body).toMatchObject({ client_secret: expect.stringMatching(/^[\w-]{43}$/), client_secret_expires_at: 0 })
    expect(await errorWith(id, first.body.client_secret)).toBe('invalid_grant')
    expect(await errorWith(id, 'wrong')).toBe('invalid_client')
    const read = await manage('GET', first)
    expect(read.body).not.toHaveProperty('client_secret')
    const second = await manage('POST', read, undefined, '/secret')
    expect(second.status).toBe(200)
    expect(await errorWith(id, first.body.client_secret)).toBe('invalid_grant')
    expect(await errorWith(id, second.body.client_secret)).toBe('invalid_grant')
    const later = createClients({
      configured: [],
      issuer: keyward.issuer,
      store: keyward.store,
      now: () => Date.now() + 25 * 3_600_000
    })
    expect((await later.find(id))?.secret_hashes).toHaveLength(1)
    const third = await manage('POST', second, undefined, '/secret')
    expect(await errorWith(id, first.body.client_secret)).toBe('invalid_client')
    expect(await errorWith(id, second.body.client_secret)).toBe('invalid_grant')
    expect(await errorWith(id, third.body.client_secret)).toBe('invalid_grant')
  })

  test('DELETE ends the client', async () => {
    const answer = await registered(withSecret)
    expect(await manage('DELETE', answer)).toMatchObject({ status: 204 })
    expect(await errorWith(idOf(answer), answer.body.client_secret)).toBe('invalid_client')
    expect(await manage('GET', answer)).toMatchObject({ status: 401 })
  })

  test('SM-304: an app asks for production, once, and is told by when it is answered', async () => {
    const first = await registered()
    const asked = await manage('POST', first, undefined, '/production')
    expect(asked).toMatchObject({ status: 200, body: { production: { state: 'asked', verify_by: expect.any(String) } } })
    expect(await manage('POST', asked, undefined, '/production')).toMatchObject({ status: 400 })
    const changed = await manage('PUT', asked, { ...APP, client_id: idOf(first), client_name: 'Another name' })
    expect(changed.body).not.toHaveProperty('production')
  })

  test('what is not JSON, or no object, is refused', async () => {
    for (const body of ['[]', 'null', '"text"', '{', '[{}]']) expect(await register(keyward, body)).toMatchObject({ status: 400 })
  })
})

describe.each(STORES)('limits of registration on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    const few = (config: Config): Config => ({
      ...withRegistration(config),
      registration: { enabled: true, perDay: 2 },
      limits: { ...config.limits, refusalsPerAddress: 20 }
    })
    keyward = await startKeyward({ store, change: few })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward?.stop())

  test('case 90: no more than so many apps register in a day, and what is refused is bounded too', async () => {
    const statuses: number[] = []
    for (let at = 0; at < 3; at += 1) statuses.push((await register(keyward)).status)
    expect(statuses).toEqual([201, 201, 429])
    const flood: number[] = []
    for (let at = 0; at < 25; at += 1) flood.push((await ask('POST', `${keyward.issuer}/register`, { body: APP })).status)
    expect(flood[0]).toBe(401)
    expect(flood.at(-1)).toBe(429)
  })
})

test('where it is not switched on, there is no registration, and no document speaks of it', async () => {
  const keyward = await startKeyward()
  try {
    const answer = await fetch(`${keyward.issuer}/register`, { method: 'POST' })
    expect(answer.status).toBe(404)
    const document: unknown = await (await fetch(`${keyward.issuer}/fhir/clinic/.well-known/smart-configuration`)).json()
    expect(document).not.toHaveProperty('registration_endpoint')
  } finally {
    await keyward.stop()
  }
})
