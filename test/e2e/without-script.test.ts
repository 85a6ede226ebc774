/** Keyward's pages in a browser that runs no script: whole, not lessened. The app is an address to come back to. */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type AppClient, newApp } from '../harness/app-client.ts'
import { newPerson } from './chromium.ts'
import { clinicInChromium } from './clinic-in-chromium.ts'
import type { ClinicUnderTest } from './clinic-under-test.ts'
import { pickPatient, returnToApp, signIn } from './journey.ts'

const ALLERGIES = 'patient/AllergyIntolerance.rs'
const VACCINES = 'patient/Immunization.rs'
const NOTES = 'patient/DocumentReference.rs'
const TOLD = 'openid fhirUser launch/patient'

let clinic: ClinicUnderTest
let browser: Browser
let app: AppClient
let person: BrowserContext
let page: Page
clinicInChromium((started) => {
  ;({ clinic, browser } = started)
  app = newApp(clinic.addresses.keyward, { redirectUri: `${clinic.addresses.app}/app` })
})
beforeEach(async () => {
  person = await newPerson(browser, { javaScriptEnabled: false })
  page = await person.newPage()
})
afterEach(() => person.close())

function ask(scope: string): Promise<unknown> {
  return page.goto(app.authorizationUrl({ scope, aud: clinic.addresses.fhir }))
}

test('a parent signs in, redraws the consent page by all off and all on, shares, stops the app and signs out', async () => {
  await ask(`${TOLD} offline_access ${ALLERGIES} ${VACCINES} ${NOTES}`)
  await signIn(page, clinic, 'maria')
  await pickPatient(page, 'Leo Diaz')

  expect(await ticked()).toEqual([ALLERGIES, VACCINES, 'offline_access'])
  await page.getByRole('radio', { name: '3 months' }).check()
  await page.getByRole('button', { name: 'Turn all off' }).click()
  expect(await ticked()).toEqual([])
  expect(await page.getByRole('radio', { name: '3 months' }).isChecked()).toBe(true)
  await page.getByRole('button', { name: 'Turn all on' }).click()
  expect(await ticked()).toEqual([ALLERGIES, VACCINES, NOTES, 'offline_access'])
  await page.getByRole('switch', { name: 'Vaccines given' }).uncheck()
  const callback = await returnToApp(page, clinic, () => page.getByRole('button', { name: 'Share Leo' }).click())

  const { body } = await app.redeem(callback.searchParams.get('code') ?? '')
  expect(body).toMatchObject({ patient: 'leo', refresh_token: expect.any(String) })
  expect(body.scope?.split(' ').sort()).toEqual([...TOLD.split(' '), ALLERGIES, NOTES, 'offline_access'].sort())

  await page.goto(`${clinic.addresses.keyward}/account`)
  const entry = page.getByRole('listitem').filter({ hasText: 'Leo Diaz' })
  expect(await entry.textContent()).toContain('Allergies; Notes and documents')
  await entry.getByRole('button', { name: 'Stop Heart App' }).click()
  await page.getByRole('status').filter({ hasText: 'Stopped' }).waitFor()
  expect((await app.refresh(body.refresh_token ?? '')).body.error).toBe('invalid_grant')

  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  await page.getByRole('link', { name: 'Sign in again' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
})

test('a person without a second factor sets it up from the typed key, and may then refuse', async () => {
  await ask(`${TOLD} ${ALLERGIES}`)
  await page.getByLabel('User name').fill('john')
  await page.getByLabel('Password').fill(clinic.account('john').password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  const typed = (await page.locator('.typed-key').textContent()) ?? ''
  await page.getByLabel('Six-number code').fill('000000')
  await page.getByRole('button', { name: 'Turn it on' }).click()
  await page.getByRole('alert').waitFor()
  expect(await page.locator('.typed-key').textContent()).toBe(typed)
  await page.getByLabel('Six-number code').fill(await clinic.codeFor(typed.replace(/\s/g, '')))
  await page.getByRole('button', { name: 'Turn it on' }).click()

  const callback = await returnToApp(page, clinic, () => page.getByRole('button', { name: 'Don’t share' }).click())
  expect(callback.searchParams.get('error')).toBe('access_denied')
  expect(callback.searchParams.get('code')).toBeNull()
})

/** The switches that are on, by the scope that each grants, in the order of the page. */
async function ticked(): Promise<(string | null)[]> {
  const switches = await page.getByRole('switch', { checked: true, includeHidden: true }).all()
  return Promise.all(switches.map((one) => one.getAttribute('value')))
}
