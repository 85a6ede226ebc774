/** The EHR of the sample clinic tells an app all that SMART lets it say, in a new window and in a frame of its own page. */
import type { Browser, BrowserContext, FrameLocator, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { newPerson } from './chromium.ts'
import { clinicInChromium } from './clinic-in-chromium.ts'
import type { ClinicUnderTest } from './clinic-under-test.ts'
import { appResults, signIn, tokenAnswer } from './journey.ts'

let clinic: ClinicUnderTest
let browser: Browser
clinicInChromium((started) => {
  ;({ clinic, browser } = started)
})

const RECORD = 'DiagnosticReport/leo-report-1'
const COMPARED = 'DiagnosticReport/leo-report-3'
const ROLE = 'https://sampleclinic.example/roles/for-comparison'

/** To a browser, an address of this machine by number is another site than one by name. */
async function chartOf(person: BrowserContext, patient: string, { atOtherSite = false } = {}): Promise<Page> {
  const origin = atOtherSite ? clinic.addresses.ehr.replace('localhost', '127.0.0.1') : clinic.addresses.ehr
  const chart = await person.newPage()
  await chart.goto(`${origin}/chart?patient=${patient}`)
  return chart
}

const says = (place: Page | FrameLocator, name: string, words: string | RegExp): Promise<void> =>
  place.getByTestId(name).filter({ hasText: words }).waitFor()

test('SM-156, SM-161, SM-162, SM-165, SM-166, SM-167, SM-305: what the practitioner chose in the chart comes beside the token, and the app follows it', async () => {
  const { ehr } = clinic.addresses
  const person = await newPerson(browser, { colorScheme: 'light' })
  const chart = await chartOf(person, 'leo')
  await chart.getByLabel('Visit').selectOption('leo-visit-6')
  await chart.getByLabel('Report or note to start with').selectOption(RECORD)
  await chart.getByLabel('Report or note to compare it with').selectOption(COMPARED)
  await chart.getByLabel('What for').selectOption({ label: 'Look through the results' })
  await chart.getByLabel('Who shows whose record is open').selectOption({ label: 'The app does' })
  await chart.getByLabel('Colours').selectOption({ label: 'As here, by night' })
  await chart.getByLabel('Part of the clinic').selectOption({ label: 'Children’s ward' })
  const open = chart.getByRole('button', { name: 'Open in a new window' })
  const [page] = await Promise.all([person.waitForEvent('page'), open.click()])

  await signIn(page, clinic, 'dr.lee')
  const tokens = await tokenAnswer(page, clinic, () => page.getByRole('button', { name: 'Share', exact: true }).click())
  const style = `${ehr}/smart-style/night-1.json`
  expect(tokens).toMatchObject({
    patient: 'leo',
    encounter: 'leo-visit-6',
    fhirContext: [{ reference: RECORD }, { reference: COMPARED, role: ROLE }],
    intent: 'review-results',
    need_patient_banner: true,
    smart_style_url: style,
    tenant: 'children'
  })
  await appResults(page)
  await says(page, 'banner', 'Leo Diaz, born 2017-06-03')
  await says(page, 'encounter', 'Encounter/leo-visit-6')
  await says(page, 'fhir-context', `${RECORD}; ${COMPARED} (as ${ROLE})`)
  await says(page, 'intent', 'review-results')
  await says(page, 'tenant', 'children')
  await says(page, 'style', `those of ${style}`)
  expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(16, 24, 32)')
  // The window that the EHR opened knows who opened it, after sign-in and consent.
  expect(await page.evaluate('window.opener !== null')).toBe(true)

  const answer = await fetch(style, { headers: { origin: clinic.addresses.app } })
  expect([answer.headers.get('content-type'), answer.headers.get('access-control-allow-origin')]).toEqual([
    'application/json',
    '*'
  ])
  expect(await answer.json()).toMatchObject({ color_background: '#101820' })
  await person.close()
})

test('SM-164: what was not chosen is not said, and where the EHR shows the patient the app shows no banner', async () => {
  const person = await newPerson(browser)
  const chart = await chartOf(person, 'sofia')
  await chart.getByLabel('App', { exact: true }).selectOption({ label: 'Heart App for doctors' })
  await chart.getByLabel('Who shows whose record is open').selectOption({ label: 'This page does' })
  await chart.getByLabel('Colours').selectOption({ label: 'Its own' })
  await chart.getByLabel('Tell Keyward who I am').check()
  const answered = person.waitForEvent('response', (answer) => answer.url() === `${clinic.addresses.keyward}/token`)
  await chart.getByRole('button', { name: 'Open in a new window' }).click()
  const tokens: Record<string, unknown> = await (await answered).json()
  expect(tokens).toMatchObject({ patient: 'sofia', need_patient_banner: false, tenant: 'main-building' })
  for (const unsaid of ['encounter', 'fhirContext', 'intent', 'smart_style_url']) expect(tokens).not.toHaveProperty(unsaid)
  const [, page] = person.pages()
  if (!page) throw new Error('no window was opened')
  await appResults(page)
  expect(await page.getByTestId('banner').isVisible()).toBe(false)
  await says(page, 'who-shows', 'the program that opened Heart App')
  await says(page, 'style', 'Heart App’s own')
  await person.close()
})

test('SM-073: the app for doctors opens in the chart itself, where the EHR has stated its user, and nobody is asked', async () => {
  const person = await newPerson(browser)
  const chart = await chartOf(person, 'leo')
  await chart.getByLabel('App', { exact: true }).selectOption({ label: 'Heart App for doctors' })
  await chart.getByLabel('Visit').selectOption('leo-visit-6')
  await chart.getByLabel('Report or note to start with').selectOption(RECORD)
  await chart.getByLabel('Who shows whose record is open').selectOption({ label: 'This page does' })
  await chart.getByLabel('Tell Keyward who I am').check()
  await chart.getByRole('button', { name: 'Open in this page' }).click()
  const app = chart.frameLocator('iframe')
  await says(app, 'status', /^Done/)
  await says(app, 'user', 'Practitioner/lee')
  await says(app, 'patient', 'Leo Diaz (Patient/leo)')
  await says(app, 'fhir-context', RECORD)
  await says(app, 'style', '/smart-style/day-1.json')
  expect(await app.getByTestId('banner').isVisible()).toBe(false)
  expect(person.pages()).toHaveLength(1)
  expect(await person.cookies(clinic.addresses.keyward)).toEqual([])
  await person.close()
})

test('SM-073, case 91: an app that asks its doctors is offered a window of its own by Keyward, where nobody but its doctor goes on', async () => {
  const person = await newPerson(browser)
  const chart = await chartOf(person, 'leo')
  await chart.getByRole('button', { name: 'Open in this page' }).click()
  const link = chart.frameLocator('iframe').getByRole('link', { name: 'Open Heart App' })
  await link.waitFor()
  const holds = chart.frames().map((frame) => new URL(frame.url()).origin)
  expect(holds).toContain(clinic.addresses.keyward)
  const [page] = await Promise.all([person.waitForEvent('page'), link.click()])
  await signIn(page, clinic, 'dr.novak')
  await page.getByText('This was opened by someone else.').waitFor()
  expect(await page.getByRole('button', { name: 'Share', exact: true }).count()).toBe(0)
  await person.close()
})

test('in a frame of another site, where the browser lets the app keep nothing, the app itself offers a window', async () => {
  const person = await newPerson(browser)
  const chart = await chartOf(person, 'aisha', { atOtherSite: true })
  await chart.getByLabel('App', { exact: true }).selectOption({ label: 'Heart App for doctors' })
  await chart.getByLabel('Tell Keyward who I am').check()
  await chart.getByRole('button', { name: 'Open in this page' }).click()
  const link = chart.frameLocator('iframe').getByRole('link', { name: 'Open Heart App' })
  const [page] = await Promise.all([person.waitForEvent('page'), link.click()])
  await appResults(page)
  await says(page, 'patient', 'Aisha Khan (Patient/aisha)')
  await person.close()
})

test('the EHR’s word signs nobody in to an app that asks its doctors: Keyward asks for the password', async () => {
  const person = await newPerson(browser)
  const chart = await chartOf(person, 'leo')
  await chart.getByLabel('Tell Keyward who I am').check()
  const open = chart.getByRole('button', { name: 'Open in a new window' })
  const [page] = await Promise.all([person.waitForEvent('page'), open.click()])
  await page.getByLabel('Password').waitFor()
  expect(new URL(page.url()).origin).toBe(clinic.addresses.keyward)
  await person.close()
})
