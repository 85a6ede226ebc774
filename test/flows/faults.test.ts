/**
 * Case 149: a fault in each layer, for browsers and for programs. Whoever asked gets general words and an id; the
 * operator finds the id in the log, beside the cause. What is broken is real: a record that another key sealed, a
 * store that throws, a template that does.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Kind, Store } from '../../src/store/store.ts'
import { authorize, basic, newApp, totpCode } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { PASSWORD, SECRETS } from '../harness/clinic-config.ts'
import { ehrBearer } from '../harness/ehr.ts'
import { type Keyward, startKeyward } from '../harness/keyward.ts'

const CAUSE = 'the shelf at /srv/keyward/shelf.ts fell down'
const HTML = { Accept: 'text/html' }

let keyward: Keyward
/** Which call of the store throws, and for which kind of records. */
let broken: { call: keyof Store; kind: string } | undefined

beforeAll(async () => {
  keyward = await startKeyward({ wrapStore: breakable })
})
afterAll(() => keyward.stop())

function breakable(store: Store): Store {
  return new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name)
      if (typeof method !== 'function') return method
      return (...args: [{ name?: string; 0?: { kind: Kind<unknown> } }?]) => {
        const kind = name === 'commit' ? args[0]?.[0]?.kind.name : args[0]?.name
        if (broken?.call === name && broken.kind === kind) throw new Error(CAUSE)
        return Reflect.apply(method, target, args)
      }
    }
  })
}

async function expectGeneric(answer: Response, sent: string[] = []): Promise<void> {
  const text = await answer.text()
  const id = answer.headers.get('x-request-id') ?? 'no id'
  expect(text).toContain(id)
  const shown = text.replaceAll(id, '')
  expect(shown).not.toMatch(
    /\bat .+:\d+:\d+|\/srv\/|node_modules|src\/|\.ts\b|\.eta\b|shelf|unreadable|sealed|Record|Koa|oidc-provider|\d+\.\d+\.\d+/
  )
  for (const secret of sent.filter((one) => one.length > 6)) expect(shown).not.toContain(secret)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  const lines = keyward.log.filter((line) => line.includes(id) && line.includes('"level":"error"'))
  expect(lines).toHaveLength(1)
  expect(lines[0]).toContain('"stack"')
}

async function expectJson(answer: Response, sent: string[] = []): Promise<void> {
  const body: unknown = await answer.clone().json()
  expect({ status: answer.status, body }).toEqual({
    status: 500,
    body: { error: 'server_error', error_description: 'Internal Server Error', request_id: answer.headers.get('x-request-id') }
  })
  await expectGeneric(answer, sent)
}

async function expectPage(answer: Response, sent: string[] = []): Promise<void> {
  const { status, headers } = answer
  expect({ status, type: headers.get('content-type'), location: headers.get('location') }).toEqual({
    status: 500,
    type: 'text/html; charset=utf-8',
    location: null
  })
  await expectGeneric(answer, sent)
}

const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${keyward.issuer}${path}`, { method: 'POST', headers, body: new URLSearchParams(form) })

const asFhirServer = { Authorization: basic('clinic-fhir', SECRETS['clinic-fhir']) }

/** Somebody half-way: at the page named. */
async function browserAt(step: 'login' | 'mfa' | 'patient' | 'consent') {
  const browser = newBrowser(keyward.issuer)
  const app = newApp(keyward.issuer, { clientId: 'second-app', redirectUri: 'http://localhost:9005/cb' })
  await browser.open(app.authorizationUrl())
  if (step !== 'login') await browser.submit({ username: 'dr.lee', password: PASSWORD })
  return browser
}

describe('case 149: for programs, JSON', () => {
  let app: ReturnType<typeof newApp>
  let code: string
  let tokens: { access_token?: string; refresh_token?: string; id_token?: string }
  let grantId: string
  let ehr: string
  beforeAll(async () => {
    ehr = await ehrBearer(keyward.issuer)
    app = newApp(keyward.issuer)
    const browser = newBrowser(keyward.issuer)
    tokens = (await app.redeem(app.codeFrom(await authorize(browser, app.authorizationUrl())))).body
    code = app.codeFrom(await authorize(browser, app.authorizationUrl()))
    const found = await keyward.store.get<{ grantId: string }>({ name: 'RefreshToken' }, tokens.refresh_token ?? '')
    grantId = found?.grantId ?? ''
    expect(grantId).not.toBe('')
  })

  const refresh = (): Promise<Response> =>
    post('/token', { grant_type: 'refresh_token', client_id: 'heart-app', refresh_token: tokens.refresh_token ?? '' })
  const redeem = (): Promise<Response> =>
    post('/token', {
      grant_type: 'authorization_code',
      client_id: 'heart-app',
      code,
      redirect_uri: 'http://localhost:9002/app',
      code_verifier: app.verifier
    })
  const introspect = (): Promise<Response> => post('/introspect', { token: tokens.access_token ?? '' }, asFhirServer)
  const revoke = (): Promise<Response> => post('/revoke', { client_id: 'heart-app', token: tokens.refresh_token ?? '' })
  const launch = (): Promise<Response> =>
    fetch(`${keyward.issuer}/launch`, {
      method: 'POST',
      headers: { Authorization: ehr, 'Content-Type': 'application/json' },
      body: JSON.stringify({ client_id: 'heart-app', fhirServer: 'clinic', patient: 'maria' })
    })

  const throwing: [string, keyof Store, string, () => Promise<Response>][] = [
    ['clients, at the token endpoint', 'get', 'client-status', refresh],
    ['clients, at the introspection endpoint', 'get', 'client-status', introspect],
    ['clients, at the launch endpoint', 'get', 'client-status', launch],
    ['clients, at the revocation endpoint', 'get', 'client-status', revoke],
    ['launches', 'put', 'launch', launch],
    ["the engine's records", 'read', 'AuthorizationCode', redeem],
    ["the engine's records, at revocation", 'get', 'RefreshToken', revoke],
    ['the access check', 'view', 'Grant', refresh],
    ['the access check, at introspection', 'view', 'Grant', introspect],
    ['accounts', 'view', 'account', introspect],
    ['the commit of a token request', 'commit', 'RefreshToken', refresh]
  ]
  test.each(throwing)('a fault in %s (%s %s)', async (_what, call, kind, ask) => {
    broken = { call, kind }
    try {
      await expectJson(await ask(), [code, tokens.access_token ?? '', tokens.refresh_token ?? ''])
    } finally {
      broken = undefined
    }
    expect(keyward.log.some((line) => line.includes(CAUSE))).toBe(true)
  })

  test('after all of these faults nothing is spent', async () => {
    expect((await (await introspect()).json()) as object).toMatchObject({ active: true })
    const answer = await refresh()
    expect(answer.status).toBe(200)
    tokens = (await answer.json()) as typeof tokens
  })

  const unreadable: [string, () => [string, string], () => Promise<Response>][] = [
    ['AccessToken', () => ['AccessToken', tokens.access_token ?? ''], introspect],
    [
      'Grant, at introspection',
      () => ['Grant', grantId],
      () => post('/introspect', { token: tokens.access_token ?? '' }, asFhirServer)
    ],
    ['Grant, at refresh', () => ['Grant', grantId], refresh],
    ['AuthorizationCode', () => ['AuthorizationCode', code], redeem],
    ['RefreshToken', () => ['RefreshToken', tokens.refresh_token ?? ''], refresh],
    ['RefreshToken, at revocation', () => ['RefreshToken', tokens.refresh_token ?? ''], revoke]
  ]
  test.each(unreadable)('a record that can not be opened: %s', async (_what, place, ask) => {
    const [kind, id] = place()
    await keyward.spoil({ name: kind }, id)
    await expectJson(await ask(), [code, tokens.access_token ?? '', tokens.refresh_token ?? ''])
  })
})

describe('case 149: for browsers, a page', () => {
  const login = async (): Promise<Response> => {
    const browser = await browserAt('login')
    const { action, hidden } = browser.form()
    const body = new URLSearchParams({ ...hidden, username: 'john', password: PASSWORD })
    return browser.send(action, { method: 'POST', body })
  }
  const mfa = async (): Promise<Response> => {
    const browser = await browserAt('mfa')
    const { action, hidden } = browser.form()
    const body = new URLSearchParams({ ...hidden, code: await totpCode('dr.lee') })
    return browser.send(action, { method: 'POST', body })
  }
  const start =
    (query: Record<string, string> = {}) =>
    (): Promise<Response> =>
      fetch(newApp(keyward.issuer).authorizationUrl(query), { headers: HTML, redirect: 'manual' })

  const throwing: [string, keyof Store, string, () => Promise<Response>][] = [
    ['clients', 'get', 'client-status', start({ state: 'a-state-of-the-app' })],
    ['interactions', 'put', 'Interaction', start()],
    ['launches', 'update', 'launch', start({ launch: 'a-launch-handle', scope: 'openid launch patient/*.rs' })],
    ['limits', 'increment', 'attempts', login],
    ['accounts', 'view', 'account', login],
    ['second factors', 'update', 'account', mfa]
  ]
  test.each(throwing)('a fault in %s (%s %s)', async (_what, call, kind, ask) => {
    const before = keyward.log.length
    broken = { call, kind }
    const answer = await ask().finally(() => {
      broken = undefined
    })
    await expectPage(answer, [PASSWORD, 'a-state-of-the-app', 'a-launch-handle'])
    expect(keyward.log.slice(before).some((line) => line.includes(CAUSE))).toBe(true)
  })

  test('a record that can not be opened: Interaction', async () => {
    const browser = await browserAt('login')
    const uid = /interaction\/([^/]+)/.exec(browser.page.url)?.[1] ?? ''
    await keyward.spoil({ name: 'Interaction' }, uid)
    await expectPage(await browser.send(browser.page.url), [uid])
  })

  test.each(['/account', '/authorize'])('a record that can not be opened: Session, at %s', async (path) => {
    const browser = await browserAt('mfa')
    const session = browser.cookies.find(({ name }) => name === 'keyward_session')?.value ?? ''
    await keyward.spoil({ name: 'Session' }, session)
    const url = path === '/account' ? `${keyward.issuer}/account` : newApp(keyward.issuer).authorizationUrl()
    await expectPage(await browser.send(url), [session])
  })
})

test('case 149: a fault in the templates, the error page with them: plain text with the id', async () => {
  const silent = await startKeyward({
    change: (config) => ({
      ...config,
      // No account, whose password would be held against the organization's name at the start.
      accounts: [],
      // What every page prints can't be printed.
      organization: Object.defineProperty({ ...config.organization }, 'name', {
        enumerable: true,
        value: {
          toString(): string {
            throw new Error(CAUSE)
          }
        }
      })
    })
  })
  try {
    const answer = await newBrowser(silent.issuer).send(`${silent.issuer}/nothing-here?q=a-question`, { headers: HTML })
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    const text = await answer.text()
    expect(text).toBe(`Not Found\n${answer.headers.get('x-request-id')}\n`)
    const browser = newBrowser(silent.issuer)
    const page = await browser.open(newApp(silent.issuer).authorizationUrl())
    expect({ status: page.status, text: page.html }).toEqual({
      status: 500,
      text: `Internal Server Error\n${page.headers.get('x-request-id')}\n`
    })
    expect(silent.log.join('')).toContain(CAUSE)
  } finally {
    await silent.stop()
  }
})
