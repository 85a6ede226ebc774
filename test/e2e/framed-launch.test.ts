/** Acceptance 3: a practitioner opens an app from the EHR in a new window, and in a frame of the EHR's page, at another site. */

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { newApp } from '../harness/app-client.ts'
import { claimsOf, signed } from '../harness/backend-client.ts'
import { EHR_KEY, FHIR_BASE, PASSWORD } from '../harness/clinic-config.ts'
import { askLaunch, mint } from '../harness/ehr.ts'
import { freePort } from '../harness/free-port.ts'
import { type Keyward, startKeyward, storeOf } from '../harness/keyward.ts'
import { approvedWhile } from '../harness/visit.ts'
import { newPerson, startChromium } from './chromium.ts'

const CONTEXT = { client_id: 'heart-app', fhirServer: 'clinic', patient: 'leo', user: 'Practitioner/lee' }
const SCOPE = 'openid fhirUser launch patient/Patient.rs'
let keyward: Keyward
let browser: Browser
let app: Server
let ehr: Server
/** Another site than Keyward's, to a browser. */
let ehrOrigin: string
let appOrigin: string
let isApproved = false
/** What the EHR's page holds. */
let content = ''

/** The app is at its redirect URI and its launch URL; what it was sent with is in its address. */
function serving(port: number, host: string, page: () => string): Server {
  return createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(`<!doctype html><title>page</title>${page()}`)
  }).listen(port, host)
}

beforeAll(async () => {
  const [appPort, ehrPort] = [await freePort(), await freePort()]
  appOrigin = `http://localhost:${appPort}`
  ehrOrigin = `http://127.0.0.1:${ehrPort}`
  const change = (config: Config): Config =>
    approvedWhile(
      {
        ...config,
        clients: config.clients.map((client) =>
          client.client_id === 'clinic-ehr'
            ? {
                ...client,
                frame_origins: [ehrOrigin],
                launch_apps: ['heart-app'],
                user_assertion_issuers: [{ issuer: 'clinic-ehr' }]
              }
            : client.client_id === 'heart-app'
              ? { ...client, redirect_uris: [`${appOrigin}/app`], launch_url: `${appOrigin}/launch` }
              : client
        )
      },
      () => isApproved
    )
  keyward = await startKeyward({ change })
  expect(await storeOf(keyward.issuer)).toBe('sqlite')
  app = serving(appPort, '127.0.0.1', () => '<p id="app">the app</p>')
  ehr = serving(ehrPort, '127.0.0.1', () => content)
  await Promise.all([app, ehr].filter((server) => !server.listening).map((server) => once(server, 'listening')))
  browser = await startChromium()
})
afterAll(async () => {
  await browser?.close()
  for (const server of [app, ehr]) server?.close()
  await keyward?.stop()
})

const url = (launch: string) =>
  newApp(keyward.issuer, { redirectUri: `${appOrigin}/app` }).authorizationUrl({ scope: SCOPE, launch })

async function stated(): Promise<string> {
  const user_assertion = signed(EHR_KEY, { ...claimsOf('clinic-ehr', keyward.issuer), fhirUser: 'Practitioner/lee' })
  return String((await askLaunch(keyward.issuer, { ...CONTEXT, user_assertion })).body.launch)
}

async function chartWith(
  html: string
): Promise<{ person: BrowserContext; chart: Awaited<ReturnType<BrowserContext['newPage']>> }> {
  content = html
  const person = await newPerson(browser)
  const chart = await person.newPage()
  await chart.goto(`${ehrOrigin}/`)
  return { person, chart }
}

test('SM-073: in a new window the app comes back with its opener, after sign-in and consent', async () => {
  const { person, chart } = await chartWith('')
  const address = url(await mint(keyward.issuer, CONTEXT))
  const [page] = await Promise.all([
    person.waitForEvent('page'),
    chart.evaluate(`void window.open(${JSON.stringify(address)}, 'app')`)
  ])
  await page.locator('input[name=username]').fill('dr.lee')
  await page.locator('input[name=password]').fill(PASSWORD)
  await page.locator('input[name=password]').press('Enter')
  await page.getByRole('button', { name: 'Share', exact: true }).click()
  await page.locator('#app').waitFor()
  expect(new URL(page.url()).searchParams.get('code')).toMatch(/^kw_ac_/)
  expect(await page.evaluate('window.opener !== null')).toBe(true)
  await person.close()
})

test('SM-073: in a frame, where the EHR has stated its user and nothing is open, the app is there at once', async () => {
  isApproved = true
  const address = url(await stated())
  const { person, chart } = await chartWith(`<iframe src="${address.replaceAll('&', '&amp;')}"></iframe>`)
  await chart.frameLocator('iframe').locator('#app').waitFor()
  const framed = chart.frames().find((frame) => frame.url().startsWith(appOrigin))
  expect(new URL(framed?.url() ?? '').searchParams.get('code')).toMatch(/^kw_ac_/)
  expect(await person.cookies(keyward.issuer)).toEqual([])
  await person.close()
})

test('SM-073, case 91: in a frame, where somebody has to be asked, one page opens the launch in a window of its own', async () => {
  isApproved = false
  const launch = await stated()
  const { person, chart } = await chartWith(`<iframe src="${url(launch).replaceAll('&', '&amp;')}"></iframe>`)
  const frame = chart.frameLocator('iframe')
  const link = frame.getByRole('link', { name: 'Open Heart App' })
  await link.waitFor()
  expect(await frame.locator('form, input, button, script').count()).toBe(0)
  expect(await person.cookies(keyward.issuer)).toEqual([])
  const [page] = await Promise.all([person.waitForEvent('page'), link.click()])
  await page.locator('#app').waitFor()
  const started = new URL(page.url())
  expect([started.pathname, started.searchParams.get('iss'), started.searchParams.get('launch')]).toEqual([
    '/launch',
    FHIR_BASE,
    launch
  ])
  // The handle is as good as it was, for a request of the new window.
  await page.goto(url(launch))
  await page.locator('input[name=password]').waitFor()
  await person.close()
})

test('case 91: nobody else holds that page in a frame', async () => {
  const headers = { 'Sec-Fetch-Dest': 'iframe' }
  const answer = await fetch(url(await stated()), { headers, redirect: 'manual' })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-security-policy')).toContain(`frame-ancestors ${ehrOrigin}`)
  expect(answer.headers.get('x-frame-options')).toBeNull()
  expect(answer.headers.getSetCookie()).toEqual([])
  // Without a launch of an EHR that has registered its origins, everything is as without a frame.
  const standalone = newApp(keyward.issuer, { redirectUri: `${appOrigin}/app` }).authorizationUrl({ scope: 'openid' })
  const plain = await fetch(standalone, { headers, redirect: 'manual' })
  expect([plain.status, plain.headers.get('x-frame-options')]).toEqual([303, 'DENY'])
})
