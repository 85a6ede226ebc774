/** axe-core on the pages that people really meet, as they are sent: Keyward's with what it holds, the EHR, the apps, the start page. */
import type { Browser, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { findings, scrollsSideways } from './axe.ts'
import { newPerson } from './chromium.ts'
import { clinicInChromium } from './clinic-in-chromium.ts'
import type { ClinicUnderTest } from './clinic-under-test.ts'
import { appResults, pickPatient, signIn } from './journey.ts'

const LOOKS = [
  { width: 360, colorScheme: 'light' },
  { width: 1280, colorScheme: 'light' },
  { width: 1280, colorScheme: 'dark' },
  { width: 360, colorScheme: 'dark' }
] as const

let clinic: ClinicUnderTest
let browser: Browser
clinicInChromium((started) => {
  ;({ clinic, browser } = started)
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
  await visit('EHR, a chart', `${ehr}/chart?patient=leo`)
  await page.getByLabel('App', { exact: true }).selectOption({ label: 'Heart App for doctors' })
  await page.getByLabel('Tell Keyward who I am').check()
  await page.getByRole('button', { name: 'Open in this page' }).click()
  await page.frameLocator('iframe').getByTestId('status').filter({ hasText: /^Done/ }).waitFor()
  found['EHR, an app in its page'] = await look(page)
  await visit('EHR, no such patient', `${ehr}/chart?patient=nobody`)
  await visit('an app that is not known', `${keyward}/authorize?client_id=nobody`)
  await visit('no such page', `${keyward}/no-such-page`)
  await person.close()
  expect(Object.entries(found).filter(([, problems]) => problems.length > 0)).toEqual([])
})

test('axe finds nothing on the pages of the app in the EHR’s colours, of the apps with a server, and of the report', async () => {
  const { ehr, visits, carePlan, report } = clinic.addresses
  const person = await newPerson(browser)
  const found: Record<string, string[]> = {}
  const chart = await person.newPage()
  for (const style of ['As here, by day', 'As here, by night']) {
    await chart.goto(`${ehr}/chart?patient=leo`)
    await chart.getByLabel('App', { exact: true }).selectOption({ label: 'Heart App for doctors' })
    await chart.getByLabel('Report or note to start with').selectOption({ index: 1 })
    await chart.getByLabel('Colours').selectOption({ label: style })
    await chart.getByLabel('Tell Keyward who I am').check()
    const open = chart.getByRole('button', { name: 'Open in a new window' })
    const [app] = await Promise.all([person.waitForEvent('page'), open.click()])
    await appResults(app)
    await app.getByTestId('style').filter({ hasText: 'those of' }).waitFor()
    found[`app, ${style}`] = await look(app)
    await app.close()
  }

  const page = await person.newPage()
  await page.goto(visits)
  found['My Visits'] = await look(page)
  await page.getByRole('link', { name: 'Connect to my clinic' }).click()
  await signIn(page, clinic, 'maria')
  await pickPatient(page, 'Leo Diaz')
  await page.getByRole('button', { name: 'Share Leo' }).click()
  await page.getByText('For developers').click()
  found['My Visits, connected'] = await look(page)
  await page.goto(`${carePlan}callback`)
  found['My Care Plan, not connected'] = await look(page)
  await page.goto(`${report}/`)
  found['Nightly Report'] = await look(page)
  await page.getByRole('button', { name: 'Run the report now' }).click()
  await page.getByText('For developers').click()
  found['Nightly Report, run'] = await look(page)
  await person.close()
  expect(Object.entries(found).filter(([, problems]) => problems.length > 0)).toEqual([])
})
