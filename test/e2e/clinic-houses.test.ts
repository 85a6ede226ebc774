/** The two houses of the sample clinic behind one Keyward, and the program that reads each by itself. */
import type { Browser } from 'playwright-core'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { hospitalRecords } from '../../demo/data/hospital.ts'
import { clinicRecords } from '../../demo/data/records.ts'
import { newPerson } from './chromium.ts'
import { clinicInChromium } from './clinic-in-chromium.ts'
import type { ClinicUnderTest } from './clinic-under-test.ts'
import { appResults, fhirFromApp, pickPatient, signIn, tokenAnswer } from './journey.ts'

let clinic: ClinicUnderTest
let browser: Browser
clinicInChromium((started) => {
  ;({ clinic, browser } = started)
})

test('SM-009, SM-276: a person connects the app to each house, and the FHIR server of one refuses the token for the other', async () => {
  const { app, fhir, hospital } = clinic.addresses
  const person = await newPerson(browser)
  const page = await person.newPage()
  await page.goto(`${app}/`)
  await page.getByRole('radio', { name: 'Riverside Hospital' }).check()
  await page.getByRole('button', { name: 'Connect to my clinic' }).click()
  await signIn(page, clinic, 'maria')
  await page.getByText('These records are kept at Riverside Hospital.').waitFor()
  const share = page.getByRole('button', { name: 'Share', exact: true })
  const there = await tokenAnswer(page, clinic, () => share.click())
  expect(there).toMatchObject({ patient: 'r-20417' })
  const results = await appResults(page)
  expect(results.get('Observation')).toMatchObject({ status: 200, count: 25 })
  expect(results.get('Immunization')).toMatchObject({ status: 404 })

  await page.goto(`${app}/`)
  await page.getByRole('button', { name: 'Connect to my clinic' }).click()
  await pickPatient(page, 'Maria Diaz')
  const here = await tokenAnswer(page, clinic, () => share.click())
  expect(here).toMatchObject({ patient: 'maria' })
  await appResults(page)

  await page.goto(`${clinic.addresses.keyward}/account`)
  for (const house of ['Riverside Hospital', 'Sample Clinic']) {
    expect(await page.getByRole('listitem').filter({ hasText: house }).count()).toBe(1)
  }
  await page.goto(`${app}/`)

  const status = async (url: string, token: string) => (await fhirFromApp(page, url, token)).status
  expect({
    atHospital: await status(`${hospital}/Patient/r-20417`, there.access_token),
    atClinic: await status(`${fhir}/Patient/maria`, here.access_token)
  }).toEqual({ atHospital: 200, atClinic: 200 })
  const foreign = await fhirFromApp(page, `${fhir}/Patient/maria`, there.access_token)
  expect(foreign).toMatchObject({ status: 401, body: { issue: [{ diagnostics: 'The token is not active' }] } })
  expect(await status(`${hospital}/Patient/r-20417`, here.access_token)).toBe(401)
  await person.close()
})

const bundle = z.looseObject({
  entry: z.array(z.looseObject({ resource: z.looseObject({ id: z.string(), resourceType: z.string() }) }))
})

test('SM-009: each house has a document of its own, and apps find both in the list of brands', async () => {
  const { keyward, fhir, hospital } = clinic.addresses
  for (const base of [fhir, hospital]) {
    const document: unknown = await (await fetch(`${base}/.well-known/smart-configuration`)).json()
    expect(document).toMatchObject({ issuer: keyward, token_endpoint: `${keyward}/token` })
  }
  const { entry } = bundle.parse(await (await fetch(`${keyward}/brands`)).json())
  const named = (type: string) => entry.map(({ resource }) => resource).filter(({ resourceType }) => resourceType === type)
  expect(named('Organization').map(({ name }) => name)).toEqual(['Sample Clinic', 'Riverside Hospital'])
  expect(named('Endpoint').map(({ address }) => address)).toEqual([fhir, hospital])
})

const observations = (records: { resourceType: string }[]) =>
  records.filter(({ resourceType }) => resourceType === 'Observation').length

test.each([
  { house: 'Sample Clinic', other: 'Riverside Hospital', total: observations(clinicRecords()) },
  { house: 'Riverside Hospital', other: 'Sample Clinic', total: observations(hospitalRecords()) }
])(
  'SM-240, SM-241, SM-251, SM-276: a backend service counts all results of $house, page after page',
  async ({ house, other, total }) => {
    const person = await newPerson(browser)
    const page = await person.newPage()
    await page.goto(`${clinic.addresses.report}/`)
    await page.getByRole('radio', { name: house }).check()
    await page.getByRole('button', { name: 'Run the report now' }).click()
    await page.getByRole('status').filter({ hasText: 'Done' }).waitFor()
    const shown = async (id: string) => (await page.getByTestId(id).textContent()) ?? ''
    expect(await shown('total')).toBe(String(total))
    expect(await shown('pages')).toBe(String(Math.ceil(total / 40)))
    const counts = await page.locator('tbody td').allTextContents()
    expect(counts.map(Number).reduce((sum, count) => sum + count, 0)).toBe(total)
    expect(await shown('scope')).toBe('system/Patient.rs system/Observation.rs')
    expect(
      await page
        .getByRole('paragraph')
        .filter({ hasText: `at ${other}` })
        .textContent()
    ).toContain('refused (401)')
    await person.close()
  }
)
