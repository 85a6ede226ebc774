/** Case 19: a link to Keyward sends nobody on to an app that registered itself, unless they have seen where it goes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AppClient, authorize, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { APP_REDIRECT } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { paramsOf } from '../harness/refusals.ts'
import { APP, idOf, register, SANDBOX_BASE, withRegistration } from '../harness/registering.ts'
import { theRecordOf } from '../harness/visit.ts'

const REDIRECT = APP.redirect_uris[0] ?? ''
const HOST = new URL(REDIRECT).host
const MARKUP = '"><script>alert(1)</script>'

describe.each(STORES)('an app that registered itself on %s', (store) => {
  let keyward: Keyward
  let app: AppClient
  let clientId: string
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withRegistration })
    expect(await storeOf(keyward.issuer)).toBe(store)
    clientId = idOf(await register(keyward))
    app = newApp(keyward.issuer, { clientId, redirectUri: REDIRECT })
  })
  afterAll(() => keyward?.stop())

  const urlOf = (params: Record<string, string | undefined> = {}) =>
    app.authorizationUrl({ aud: SANDBOX_BASE, scope: 'openid patient/Observation.rs', ...params })

  const REFUSED: [string, Record<string, string | undefined>, string][] = [
    ['a scope that it can’t have', { scope: 'system/*.rs' }, 'invalid_scope'],
    ['prompt=none', { prompt: 'none' }, 'login_required'],
    ['no code_challenge', { code_challenge: undefined }, 'invalid_request'],
    ['another FHIR server', { aud: 'https://elsewhere.example/fhir' }, 'invalid_request'],
    ['another response_type', { response_type: 'token' }, 'unsupported_response_type'],
    ['markup for state', { prompt: 'none', state: MARKUP }, 'login_required'],
    ['an unknown launch', { scope: 'launch openid', launch: 'AAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA' }, 'invalid_request']
  ]

  test.each(REFUSED)('case 19: with %s nobody is sent on: a page names the host', async (_what, params, error) => {
    const browser = newBrowser(keyward.issuer)
    let page = browser.page
    const event = await theRecordOf(keyward, async () => {
      page = await browser.open(urlOf(params))
    })
    expect(event).toMatchObject({ type: 'authorization', outcome: 'refused', clientId })
    expect({ status: page.status, location: page.headers.get('location') }).toEqual({ status: 200, location: null })
    expect(page.html).toContain(`<strong class="host">${HOST}</strong>`)
    expect(page.html).toContain('has not checked')
    const href = /<a class="button" href="([^"]*)"/.exec(page.html)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const said = paramsOf(href)
    expect({ origin: new URL(href).origin, error: said.error }).toEqual({ origin: `https://${HOST}`, error })
    if (params.state) expect(said.state).toBe(params.state)
    expect(page.html).not.toContain('<script>alert')
    expect(page.html).not.toMatch(/http-equiv="refresh"/i)
  })

  test('case 19: somebody who is signed in is not sent on either', async () => {
    const browser = newBrowser(keyward.issuer)
    await browser.open(urlOf())
    await authorize(browser, urlOf(), { patient: 'test' })
    const page = await browser.open(urlOf({ scope: 'system/*.rs' }))
    expect({ status: page.status, location: page.headers.get('location') }).toEqual({ status: 200, location: null })
  })

  test('case 19: who says no, after the page that names the host, goes back to the app', async () => {
    const page = await authorize(newBrowser(keyward.issuer), urlOf({ prompt: 'consent' }), { patient: 'test', decision: 'deny' })
    const { origin, searchParams } = new URL(page.url)
    expect({ origin, error: searchParams.get('error') }).toEqual({ origin: `https://${HOST}`, error: 'access_denied' })
  })

  test('case 19: an app of the configuration is told at once', async () => {
    const answer = await newBrowser(keyward.issuer).send(newApp(keyward.issuer).authorizationUrl({ prompt: 'none' }))
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toMatch(`${APP_REDIRECT}?error=login_required`)
  })
})
