/** axe-core on the pages that people really meet, as they are sent: Keyward's with what it holds, the EHR, Heart App, the start page. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findings, scrollsSideways } from './axe.ts'
import { newPerson, startChromium } from './chromium.ts'
import { type ClinicUnderTest, startClinicUnderTest } from './clinic-under-test.ts'
import { appResults, pickPatient, signIn } from './journey.ts'

const LOOKS = [
  { width: 360, colorScheme: 'light' },
  { width: 1280, colorScheme: 'light' },
  { width: 1280, colorScheme: 'dark' },
  { width: 360, colorScheme: 'dark' }
] as const

let clinic: ClinicUnderTest
let browser: Browser
beforeAll(async () => {
  clinic = await startClinicUnderTest()
  browser = await startChromium()
})
afterAll(async () => {
  await browser?.close()
  await clinic?.stop()
})

async function look(page: Page): Promise<string[]> {
  const found: string[] = []
  for (const { width, colorScheme } of LOOKS) {
    await page.setViewportSize({ width, height: 800 })
    await page.emulateMedia({ colorScheme })
    found.push(...(await findings(page)).map((finding) => `${width} px, ${colorScheme}: ${finding}`))
  }
  for (const width of [360, 320]) {
    await page.setViewportSize({ width, height: 640 })
    if (await scrollsSideways(page)) found.push(`scrolls sideways at ${width} px`)
  }
  return found
}

test('axe finds nothing from the start page to signing out, at 360 and 1280 px, light and dark', async () => {
  const { home, ehr, app, keyward } = clinic.addresses
  const person = await newPerson(browser)
  const page = await person.newPage()
  const found: Record<string, string[]> = {}
  const visit = async (name: string, address: string): Promise<void> => {
    await page.goto(address)
    found[name] = await look(page)
  }

  await visit('start page', `${home}/`)
  await visit('EHR', `${ehr}/`)
  await visit('app, to a wrong record server', `${app}/launch?iss=http://localhost:1/fhir`)
  await visit('app', `${app}/`)
  await page.getByText('For developers').click()
  found['app, for developers'] = await look(page)
  await page.getByRole('button', { name: 'Connect to my clinic' }).click()
  await signIn(page, clinic, 'maria')
  await pickPatient(page, 'Leo Diaz')
  await page.getByRole('switch', { name: 'Vaccines given' }).uncheck()
  found.consent = await look(page)
  await page.getByRole('button', { name: 'Share Leo' }).click()
  await appResults(page)
  for (const fold of await page.locator('summary').all()) await fold.click()
  found['app, connected'] = await look(page)
  await visit('account', `${keyward}/account`)
  await page.getByRole('button', { name: 'Stop Heart App' }).click()
  await page.getByRole('status').waitFor()
  found['account, stopped'] = await look(page)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  found['signed out'] = await look(page)
  await page.goto(`${app}/app`)
  await page.getByTestId('problem').filter({ hasText: 'no longer lets Heart App in' }).waitFor()
  found['app, stopped'] = await look(page)
  await visit('an app that is not known', `${keyward}/authorize?client_id=nobody`)
  await visit('no such page', `${keyward}/no-such-page`)
  await person.close()
  expect(Object.entries(found).filter(([, problems]) => problems.length > 0)).toEqual([])
})
