/** Case 127 over every route of the server: the protecting headers stand on whatever it answers. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorize, basic, newApp, totpCode } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { PASSWORD, SECRETS } from '../harness/clinic-config.ts'
import { FILLED, idOn, secretOn, withDevelopers } from '../harness/developing.ts'
import { ehrBearer } from '../harness/ehr.ts'
import { type Keyward, startKeyward } from '../harness/keyward.ts'
import { expectProtected } from '../harness/protecting-headers.ts'
import { APP, invitation, note } from '../harness/registering.ts'
import { noteSecret } from '../harness/run-folder.ts'
import { sourcesUnder } from '../unit/structure/sources.ts'

let keyward: Keyward
const visited: { method: string; path: string; status: number }[] = []
beforeAll(async () => {
  const secondFactor = { patients: 'required', clinicians: 'required', developers: 'off' } as const
  keyward = await startKeyward({ change: (config) => ({ ...withDevelopers(config), secondFactor }) })
})
afterAll(() => keyward.stop())

const browser = (): ReturnType<typeof newBrowser> => (maria ??= newBrowser(keyward.issuer))
const app = (): ReturnType<typeof newApp> => (heart ??= newApp(keyward.issuer))
let maria: ReturnType<typeof newBrowser> | undefined
let heart: ReturnType<typeof newApp> | undefined
let resume = ''
let tokens: { access_token?: string; refresh_token?: string } = {}

const get =
  (path: string, headers: Record<string, string> = {}) =>
  (): Promise<Response> =>
    asking('GET', path, { headers })
const asFhirServer = { Authorization: basic('clinic-fhir', SECRETS['clinic-fhir']) }

/** The parameters of an authorization request. */
const asked = (): Record<string, string> => Object.fromEntries(new URL(app().authorizationUrl()).searchParams)

async function asking(method: string, path: string, init: RequestInit = {}): Promise<Response> {
  const answer = await fetch(`${keyward.issuer}${path}`, { method, redirect: 'manual', ...init })
  visited.push({ method, path: path.split('?')[0] ?? '', status: answer.status })
  return answer
}

function post(path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
  return asking('POST', path, { headers, body: new URLSearchParams(form) })
}

const SECRET_APP = { ...APP, token_endpoint_auth_method: 'client_secret_basic' }
let registered = { path: '', token: '' }

/** A registered app goes on with the token of the last answer. */
async function registering(path: string, token: string, metadata?: object, method = 'POST'): Promise<Response> {
  const body = metadata === undefined ? {} : { body: JSON.stringify(metadata) }
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  const answer = await asking(method, path, { headers, ...body })
  const said: Record<string, unknown> = JSON.parse(await answer.clone().text())
  note({ status: answer.status, headers: answer.headers, body: said })
  registered = { path: new URL(String(said.registration_client_uri)).pathname, token: String(said.registration_access_token) }
  return answer
}
const managing = (method: string, path: string): Promise<Response> =>
  registering(`${registered.path}${path}`, registered.token, undefined, method)

/** As the browser, without following: redirects are answers too. */
async function browse(url: string, init: RequestInit = {}): Promise<Response> {
  const answer = await browser().send(url, init)
  visited.push({ method: init.method ?? 'GET', path: new URL(url).pathname, status: answer.status })
  return answer
}

/** Sends the form of the page, and opens where it leads to. */
async function fill(fields: Record<string, string>, index = 0): Promise<Response> {
  const { action, hidden, checkboxes } = browser().form(index)
  const body = new URLSearchParams({ ...hidden, ...fields })
  for (const { name, value, checked } of checkboxes) if (checked) body.append(name, value)
  const answer = await browse(action, { method: 'POST', body, headers: { Origin: keyward.issuer } })
  resume = answer.headers.get('location') ?? ''
  return answer
}

const DESCRIBED = { ...FILLED, kind: 'client_secret_basic', scope: 'openid', reason: 'why' }

/** A page of the developer, opened and then asked for again. */
async function opened(path: string): Promise<Response> {
  await browser().open(`${keyward.issuer}${path}`)
  return page()
}
let developed = ''
async function developing(fields: Record<string, string>, index = 0): Promise<Response> {
  const answer = await fill(fields, index)
  const shown = { ...browser().page, html: await answer.clone().text() }
  noteSecret('client secret', secretOn(shown))
  if (idOn(shown) !== '') developed = `/developer/apps/${idOn(shown)}`
  return answer
}

const page = (): Promise<Response> => browse(browser().page.url)
const followed = async (): Promise<Response> => {
  const answer = await browse(resume)
  const next = new URL(answer.headers.get('location') ?? '', keyward.issuer)
  if (next.origin === keyward.issuer) await browser().open(next.href)
  else app().codeFrom({ ...browser().page, url: next.href })
  return answer
}

// In this order: a person walks through all of it.
const ANSWERS: [string, number, () => Promise<Response>][] = [
  ['/livez', 200, get('/livez')],
  ['/readyz', 200, get('/readyz')],
  ['/style.css', 200, get('/style.css')],
  ['/forms.css', 200, get('/forms.css')],
  ['/consent.css', 200, get('/consent.css')],
  ['/apps.css', 200, get('/apps.css')],
  ['/theme.css', 200, get('/theme.css')],
  [
    '/style.css, unchanged',
    304,
    async () =>
      get('/style.css', {
        'If-None-Match': (await fetch(`${keyward.issuer}/style.css`)).headers.get('etag') ?? '',
        // What fetch would add by itself asks for the whole file.
        'Cache-Control': 'max-age=0'
      })()
  ],
  ['/jwks', 200, get('/jwks')],
  ['openid-configuration', 200, get('/.well-known/openid-configuration')],
  ['oauth-authorization-server', 200, get('/.well-known/oauth-authorization-server')],
  ['smart-configuration', 200, get('/fhir/clinic/.well-known/smart-configuration')],
  ['smart-configuration of no server', 404, get('/fhir/nowhere/.well-known/smart-configuration')],
  ['an unknown path, page', 404, get('/nothing', { Accept: 'text/html' })],
  ['an unknown path, JSON', 404, get('/nothing')],
  [
    'the preflight of /token',
    204,
    () => asking('OPTIONS', '/token', { headers: { Origin: 'http://localhost:9002', 'Access-Control-Request-Method': 'POST' } })
  ],
  ['/authorize, posted', 303, () => post('/authorize', asked())],
  ['/par', 201, () => post('/par', asked())],
  ['/par, unauthenticated', 401, () => post('/par', {})],
  ['/register, without an initial access token', 401, () => post('/register', {})],
  ['/register', 201, async () => registering('/register', await invitation(keyward), SECRET_APP)],
  ['/register/:clientId', 200, () => managing('GET', '')],
  ['/register/:clientId, without its token', 401, get('/register/nobody')],
  ['/register/:clientId/secret', 200, () => managing('POST', '/secret')],
  ['/register/:clientId/production', 200, () => managing('POST', '/production')],
  ['/account, signed out', 303, () => browse(`${keyward.issuer}/account`)],
  ['/authorize, an unknown app', 400, get('/authorize?client_id=nobody', { Accept: 'text/html' })],
  [
    '/authorize',
    303,
    async () => {
      const answer = await browse(app().authorizationUrl())
      await browser().open(new URL(answer.headers.get('location') ?? '', keyward.issuer).href)
      return answer
    }
  ],
  ['login', 200, page],
  ['login, refused', 422, () => fill({ username: 'maria', password: 'wrong' })],
  [
    'login, without its token',
    403,
    () => browse(browser().page.url, { method: 'POST', body: new URLSearchParams({ username: 'maria', password: PASSWORD }) })
  ],
  ['login, accepted', 303, () => fill({ username: 'maria', password: PASSWORD })],
  ['resume after login', 303, followed],
  ['mfa', 200, page],
  ['mfa, refused', 422, () => fill({ code: '000000' })],
  ['mfa, accepted', 303, async () => fill({ code: await totpCode('maria') })],
  ['resume after mfa', 303, followed],
  ['patient', 200, page],
  ['patient, accepted', 303, () => fill({ patient: 'leo' })],
  ['resume after patient', 303, followed],
  ['consent', 200, page],
  ['consent, accepted', 303, () => fill({ decision: 'allow' })],
  ['resume to the app', 303, followed],
  ['a step that is not open', 400, () => browse(`${keyward.issuer}/interaction/none/consent`)],
  [
    '/token',
    200,
    async () => {
      tokens = (await app().redeem(app().codeFrom(await authorize(browser(), app().authorizationUrl())))).body
      const answer = await post('/token', {
        grant_type: 'refresh_token',
        client_id: 'heart-app',
        refresh_token: tokens.refresh_token ?? ''
      })
      tokens = JSON.parse(await answer.clone().text())
      return answer
    }
  ],
  ['/token, refused', 400, () => post('/token', { grant_type: 'refresh_token', client_id: 'heart-app', refresh_token: 'x' })],
  ['/token, GET', 405, get('/token')],
  ['/introspect', 200, () => post('/introspect', { token: tokens.access_token ?? '' }, asFhirServer)],
  ['/introspect, unauthenticated', 401, () => post('/introspect', { token: 'x' })],
  [
    '/launch',
    201,
    async () => {
      const headers = { Authorization: await ehrBearer(keyward.issuer), 'Content-Type': 'application/json' }
      return asking('POST', '/launch', { headers, body: JSON.stringify({ client_id: 'heart-app', fhirServer: 'clinic' }) })
    }
  ],
  ['/launch, unauthenticated', 401, () => asking('POST', '/launch')],
  ['/revoke', 200, () => post('/revoke', { client_id: 'heart-app', token: tokens.refresh_token ?? '' })],
  ['/account', 200, () => opened('/account')],
  ['/account/stop', 200, () => fill({})],
  ['/account/signed-in', 303, () => browse(`${keyward.issuer}/account/signed-in`)],
  [
    '/account/sign-out',
    200,
    async () => {
      const forms = [0, 1, 2].map((at) => {
        try {
          return browser().form(at).action
        } catch {
          return ''
        }
      })
      return fill(
        {},
        forms.findIndex((action) => action.endsWith('/account/sign-out'))
      )
    }
  ],
  ['/developer, signed out', 303, () => browse(`${keyward.issuer}/developer`)],
  ['/developer/signed-in', 303, () => browse(`${keyward.issuer}/developer/signed-in`)],
  [
    '/developer',
    200,
    async () => {
      await browser().open(`${keyward.issuer}/developer`)
      await browser().submit({ username: 'devi', password: PASSWORD })
      return page()
    }
  ],
  ['/developer/new', 200, () => opened('/developer/new')],
  ['/developer/new, refused', 422, () => fill({ ...DESCRIBED, name: '' })],
  ['/developer/new, accepted', 201, () => developing(DESCRIBED)],
  ['/developer/apps/:clientId/edit', 200, () => opened(`${developed}/edit`)],
  ['/developer/apps/:clientId/edit, accepted', 303, () => fill(DESCRIBED)],
  ['/developer/apps/:clientId', 200, () => opened(developed)],
  ['/developer/apps/:clientId/production', 303, () => fill({})],
  ['/developer/apps/:clientId/secret', 200, () => developing({}, 1)],
  ['/developer/apps/:clientId/delete', 303, () => fill({ sure: 'yes' }, 2)],
  ['a body that is too large', 413, () => post('/token', { a: 'a'.repeat(57 * 1024) })],
  ['an address that is too long', 414, get(`/${'a'.repeat(17 * 1024)}`)],
  ['a head that is too large', 431, get('/', { 'X-Long': 'a'.repeat(17 * 1024) })],
  [
    'a fault, JSON',
    500,
    async () => {
      await keyward.spoil({ name: 'client-status', guessable: true }, 'small-app')
      return post('/token', { grant_type: 'refresh_token', client_id: 'small-app', refresh_token: 'x' })
    }
  ],
  ['a fault, page', 500, get('/authorize?client_id=small-app', { Accept: 'text/html' })]
]

describe('case 127: protecting headers', () => {
  test.each(ANSWERS)('stand on %s (%i)', async (name, status, ask) => {
    const answer = await ask()
    expect(answer.status).toBe(status)
    expectProtected(answer.headers)
    const isPage = (status < 300 || status > 399) && answer.headers.get('content-type')?.startsWith('text/html') === true
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(answer.headers.get('cross-origin-opener-policy')).toBe(
      /^\/(account|developer)/.test(name) && isPage ? 'same-origin' : null
    )
    if (!isPage) return
    const nonce = /script-src 'nonce-([\w+/=]{24})'/.exec(policy)?.[1]
    expect(nonce).toBeDefined()
    expect(policy).toContain("object-src 'none'")
    expect(policy).not.toContain('unsafe')
    const html = await answer.text()
    // Whatever a page loads is ours, and no markup runs without the nonce.
    for (const [, address] of html.matchAll(/<(?:link|img|script|iframe|source|video)\b[^>]*\b(?:href|src)="([^"]*)"/g))
      expect(address).toMatch(/^\/(?!\/)/)
    for (const [tag] of html.matchAll(/<(?:script|style)\b[^>]*>/g)) expect(tag).toContain(`nonce="${nonce}"`)
    expect(html).not.toMatch(/\son\w+=|javascript:|\sstyle="/i)
    expect(html).not.toMatch(/\b(koa|oidc-provider|node(\.js)?)\b|\d+\.\d+\.\d+/i)
  })

  test('every route of the source was among these', () => {
    const routes = sourcesUnder('src').flatMap(({ text }) => {
      const prefix = /new Router\(\{ prefix: '([^']+)' \}\)/.exec(text)?.[1] ?? ''
      return [...text.matchAll(/router\.(get|post|all)\('([^']+)'/g)].map(([, method = '', path = '']) => ({
        method: method.toUpperCase(),
        path: `${prefix}${path}`.replace(/(?<=.)\/$/, '')
      }))
    })
    expect(routes.length).toBeGreaterThan(10)
    const unvisited = routes.filter(({ method, path }) => {
      const pattern = new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}/?$`)
      return !visited.some((one) => pattern.test(one.path) && (method === 'ALL' || method === one.method) && one.status < 400)
    })
    expect(unvisited).toEqual([])
  })
})
