/** The whole way of an app, in Chromium: described in a form, tried on test records, verified by the operator, met by a patient. */
import { execFile } from 'node:child_process'
import { dirname, join, resolve } from 'node:path'
import * as oidc from 'openid-client'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { noteSecret } from '../harness/run-folder.ts'
import { findings } from './axe.ts'
import { newPerson } from './chromium.ts'
import { clinicInChromium } from './clinic-in-chromium.ts'
import type { ClinicUnderTest } from './clinic-under-test.ts'
import { pickPatient, signIn } from './journey.ts'

const RETURN = 'https://sleep.example/cb'
const SCOPE = 'openid fhirUser launch/patient offline_access patient/Immunization.rs patient/AllergyIntolerance.rs'
const REASON = 'To know when your next <jab> is due.'

let clinic: ClinicUnderTest
let browser: Browser
clinicInChromium((started) => {
  ;({ clinic, browser } = started)
})

test('SM-063, SM-304: an app is added, tried with its secret, gets another one, asks for production, is opened, and is met by a patient', async () => {
  const developer = await newPerson(browser, { viewport: { width: 360, height: 800 } })
  const page = await developer.newPage()
  await page.goto(`${clinic.addresses.keyward}/developer`)
  await page.getByText('See the apps that you make').waitFor()
  await signIn(page, clinic, 'devi')
  await page.getByRole('heading', { level: 1, name: 'Your apps' }).waitFor()
  await page.getByRole('link', { name: 'Add an app' }).click()

  await describeApp(page, 'http://sleep.example/cb')
  await page.getByRole('alert').filter({ hasText: 'where people go back to' }).waitFor()
  expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Sleep Diary')
  await page.getByLabel('Where people go back to').fill(RETURN)
  await page.getByRole('button', { name: 'Add it' }).click()
  const first = await secretOn(page)
  expect(await findings(page)).toEqual([])
  const clientId = (await page.locator('#client-id').textContent()) ?? ''
  expect(page.url()).not.toContain(first)

  const patient = await newPerson(browser)
  await patient.route('https://sleep.example/**', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<h1>Sleep Diary</h1>' })
  )
  const testing = await connect(patient, clientId, first, true)
  expect(await testing.page.locator('main').textContent()).toContain('Sample Clinic has not checked who makes this app.')
  const tokens = await testing.share()
  expect(tokens).toMatchObject({ patient: 'leo', refresh_token: expect.any(String) })
  const read = await fetch(`${clinic.addresses.fhir}/Immunization?patient=leo`, {
    headers: { Authorization: `Bearer ${tokens.access_token}` }
  })
  expect(read.status).toBe(200)

  await page.goto(`${clinic.addresses.keyward}/developer/apps/${clientId}`)
  expect(await page.locator('body').textContent()).not.toContain(first)
  await page.getByRole('button', { name: 'Make a new secret' }).click()
  const second = await secretOn(page)
  await page.getByText('The old one is good until').waitFor()
  let refresh = tokens.refresh_token ?? ''
  for (const secret of [first, second]) {
    const renewed = await oidc.refreshTokenGrant(await clientWith(clientId, secret), refresh)
    refresh = renewed.refresh_token ?? ''
  }

  await page.getByRole('button', { name: 'Ask for real records' }).click()
  await page.getByText('we check that the app is yours').waitFor()
  const shown = await cli('client', 'requests')
  expect(shown).toContain(`scope patient/Immunization.rs: ${REASON}`)
  expect(shown).toContain('developer: devi (')
  const request = /request: (\S+)/.exec(shown)?.[1] ?? ''
  expect(await cli('client', 'verify', request)).toContain('verified')
  expect(await cli('client', 'requests')).toContain('open production by')
  expect(await cli('client', 'approve', request)).toContain('may be used for production')
  await page.reload()
  await page.getByRole('heading', { name: 'Open to real records' }).waitFor()

  const meeting = await connect(patient, clientId, second, false)
  const words = (await meeting.page.locator('main').innerText()).replaceAll(/\s+/g, ' ')
  expect(words).toContain('Sample Clinic has checked who makes this app.')
  expect(words).toContain('The app says about the data that it gets: It does not give it to others. It does not sell it.')
  expect(words).toContain('It has not said')
  const vaccines = meeting.page.locator('.choice').filter({ has: meeting.page.getByRole('switch', { name: 'Vaccines given' }) })
  expect((await vaccines.innerText()).replaceAll(/\s+/g, ' ')).toContain(`The app says: “${REASON}”`.replaceAll(/[“”]/g, ''))
  expect(await findings(meeting.page)).toEqual([])
  await developer.close()
  await patient.close()
})

async function describeApp(page: Page, redirectUri: string): Promise<void> {
  await page.getByLabel('Name', { exact: true }).fill('Sleep Diary')
  await page.getByLabel('Web site').fill('https://sleep.example')
  await page.getByLabel('Where people go back to').fill(redirectUri)
  await page.getByRole('radio', { name: 'With a secret' }).check()
  await page.getByLabel('Scope 5', { exact: true }).fill('patient/AllergyIntolerance.rs')
  await page.getByLabel('Scope 4', { exact: true }).fill('patient/Immunization.rs')
  await page.getByLabel('Why, 4').fill(REASON)
  await page.getByLabel('Does it give data to others?').selectOption('no')
  await page.getByLabel('Does it sell data?').selectOption('no')
  // The key that sends other forms adds nothing here by accident: it shows the form again, whole.
  await page.getByLabel('Web site').press('Enter')
  await page.getByLabel('Scope 8', { exact: true }).waitFor()
  expect(await page.getByLabel('Why, 4').inputValue()).toBe(REASON)
  await page.getByRole('button', { name: 'Add it' }).click()
}

async function secretOn(page: Page): Promise<string> {
  const secret = (await page.locator('#secret').textContent()) ?? ''
  noteSecret('client secret', secret)
  expect(secret).toMatch(/^[\w-]{43}$/)
  return secret
}

function clientWith(clientId: string, secret: string): Promise<oidc.Configuration> {
  const metadata = { client_secret: secret }
  const options = { execute: [oidc.allowInsecureRequests] }
  return oidc.discovery(new URL(clinic.addresses.keyward), clientId, metadata, oidc.ClientSecretBasic(secret), options)
}

/** Goes with the app to the consent page, as Maria, about Leo. */
async function connect(person: BrowserContext, clientId: string, secret: string, signsIn: boolean) {
  const client = await clientWith(clientId, secret)
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const url = oidc.buildAuthorizationUrl(client, {
    redirect_uri: RETURN,
    scope: SCOPE,
    state,
    aud: clinic.addresses.fhir,
    prompt: 'consent',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256'
  })
  const page = await person.newPage()
  await page.goto(url.href)
  if (signsIn) await signIn(page, clinic, 'maria')
  await pickPatient(page, 'Leo Diaz')
  await page.getByRole('heading', { level: 1, name: 'Sleep Diary wants to see' }).waitFor()
  return {
    page,
    async share() {
      await page.getByRole('button', { name: 'Share Leo' }).click()
      await page.waitForURL(`${RETURN}**`)
      const checks = { pkceCodeVerifier: verifier, expectedState: state }
      return oidc.authorizationCodeGrant(client, new URL(page.url()), checks)
    }
  }
}

/** The operator's command, on the clinic's store; what it prints. */
function cli(...args: string[]): Promise<string> {
  const folder = dirname(clinic.logFile)
  const command = [resolve('src/cli.ts'), ...args, '--config', join(folder, 'clinic.yaml')]
  return new Promise((done, fail) => {
    execFile(process.execPath, command, { cwd: folder }, (error, stdout) => (error ? fail(error) : done(stdout)))
  })
}
