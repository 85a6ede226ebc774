import { createRemoteJWKSet, jwtVerify } from 'jose'
import type { Browser } from 'playwright-core'
import { expect, test } from 'vitest'
import { newPerson } from './chromium.ts'
import { clinicInChromium } from './clinic-in-chromium.ts'
import type { ClinicUnderTest } from './clinic-under-test.ts'
import { appResults, fhirFromApp, signIn, tokenAnswer } from './journey.ts'

let clinic: ClinicUnderTest
let browser: Browser
clinicInChromium((started) => {
  ;({ clinic, browser } = started)
})

test('SM-032, SM-279, SM-280: a practitioner opens the app from the chart: the token names the patient and the visit, and reads only that record', async () => {
  const { ehr, app, keyward, fhir } = clinic.addresses
  const person = await newPerson(browser)
  const chart = await person.newPage()
  await chart.goto(`${ehr}/`)
  await chart.getByLabel('You work as').selectOption({ label: 'Dr Ana Lee' })
  const open = chart.getByRole('button', { name: /Open Heart App for Leo Diaz, visit of/ }).first()
  const encounter = ((await open.getAttribute('value')) ?? '').split(' ')[1]
  const [page] = await Promise.all([person.waitForEvent('page'), open.click()])

  await signIn(page, clinic, 'dr.lee')
  await page.getByRole('heading', { level: 1, name: 'the record that you have open' }).waitFor()
  const tokens = await tokenAnswer(page, clinic, () => page.getByRole('button', { name: 'Share', exact: true }).click())
  expect(page.url()).toMatch(`${app}/app`)
  expect(tokens).toMatchObject({ patient: 'leo', encounter, expires_in: expect.any(Number) })
  expect(encounter).toMatch(/./)
  expect(tokens.scope.split(' ')).toEqual(expect.arrayContaining(['launch', 'patient/*.rs']))
  // online_access: what is renewed ends with the doctor's session.
  expect(tokens.refresh_token).toMatch(/^kw_rt_/)

  const keys = createRemoteJWKSet(new URL(`${keyward}/jwks`))
  const { payload } = await jwtVerify(tokens.id_token ?? '', keys, { issuer: keyward, audience: 'heart-app' })
  expect(payload.fhirUser).toBe(`${fhir}/Practitioner/lee`)

  expect((await appResults(page)).get('Encounter')).toMatchObject({ status: 200 })
  const read = async (what: string) => (await fhirFromApp(page, `${fhir}/${what}`, tokens.access_token)).status
  expect(await read(`Encounter/${encounter}`)).toBe(200)
  expect(await read('Patient/leo')).toBe(200)
  expect(await read('Practitioner/lee')).toBe(200)
  expect(await read('Patient/maria')).toBe(403)
  await page
    .getByTestId('encounter')
    .filter({ hasText: `Encounter/${encounter}` })
    .waitFor()

  const renewed = await tokenAnswer(page, clinic, () => page.getByRole('button', { name: 'Renew access' }).click())
  expect(renewed).toMatchObject({ patient: 'leo', encounter, scope: tokens.scope })
  await person.close()
})
