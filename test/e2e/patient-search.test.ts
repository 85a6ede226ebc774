/** A clinician opens the sample app from outside the EHR, finds the patient at the sample clinic, and picks a visit. */

import type { Browser } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { STORES } from '../harness/keyward.ts'
import { newPerson } from './chromium.ts'
import { clinicInChromium } from './clinic-in-chromium.ts'
import type { ClinicUnderTest } from './clinic-under-test.ts'
import { fhirFromApp, signIn, tokenAnswer } from './journey.ts'

describe.each(STORES)('a standalone launch by a clinician in Chromium, on %s', (store) => {
  let clinic: ClinicUnderTest
  let browser: Browser
  clinicInChromium((started) => {
    ;({ clinic, browser } = started)
  }, store)

  test('SM-043, SM-044, SM-159: searches Diaz, picks Leo and a visit, and the token names both', async () => {
    const { app, keyward, fhir } = clinic.addresses
    const person = await newPerson(browser)
    const page = await person.newPage()
    await page.goto(`${app}/`)
    await page.getByText('For developers').click()
    await page
      .getByLabel('Scopes')
      .fill('openid fhirUser launch/patient launch/encounter patient/Patient.rs patient/Encounter.rs')
    await page.getByRole('button', { name: 'Connect with these scopes' }).click()
    await signIn(page, clinic, 'dr.lee')

    await page.getByLabel('Name, or the start of it').fill('Nobody')
    await page.getByRole('button', { name: 'Search', exact: true }).click()
    await page.getByText('Nobody was found').waitFor()
    await page.getByLabel('Name, or the start of it').fill('Diaz')
    // The Enter key, from within the field.
    await page.getByLabel('Name, or the start of it').press('Enter')
    expect(await page.getByRole('radio').count()).toBe(3)
    await page.getByLabel('Birth date').fill('2017-06-03')
    await page.getByRole('button', { name: 'Search', exact: true }).click()
    await page.getByRole('radio', { name: /Leo Mateo Diaz.*June 3, 2017.*Male.*100002/ }).check()
    expect(await page.getByRole('radio').count()).toBe(1)
    await page.getByRole('button', { name: 'Open for this patient' }).click()

    await page.getByRole('heading', { name: 'Which visit is it about?' }).waitFor()
    const visits = await page.getByRole('radio').evaluateAll((radios) => radios.map((radio) => radio.getAttribute('value')))
    expect(visits).toEqual(['leo-visit-6', 'leo-visit-5', 'leo-visit-4', 'leo-visit-3', 'leo-visit-2', 'leo-visit-1'])
    await page.getByRole('radio', { name: /November 18, 2025.*Asthma/ }).check()
    await page.getByRole('button', { name: 'Go on' }).click()

    await page.getByRole('heading', { name: 'Leo Mateo Diaz’s health information' }).waitFor()
    const tokens = await tokenAnswer(page, clinic, () => page.getByRole('button', { name: /^Share/ }).click())
    expect(tokens).toMatchObject({ patient: 'leo', encounter: 'leo-visit-6' })
    expect((await fhirFromApp(page, `${fhir}/Encounter/leo-visit-6`, tokens.access_token)).status).toBe(200)
    expect((await fhirFromApp(page, `${fhir}/Encounter/maria-visit-1`, tokens.access_token)).status).toBe(403)
    // Nothing of it stands in an address that a history could keep.
    expect(page.url()).not.toMatch(/Diaz|2017/)
    expect(new URL(page.url()).origin).not.toBe(keyward)
    await person.close()
  })
})
