/** The two apps of the sample clinic that have a server: one proves itself with a secret, the other with a key. */
import type { Browser } from 'playwright-core'
import { expect, test } from 'vitest'
import { newPerson } from './chromium.ts'
import { clinicInChromium } from './clinic-in-chromium.ts'
import type { ClinicUnderTest } from './clinic-under-test.ts'
import { pickPatient, signIn } from './journey.ts'

let clinic: ClinicUnderTest
let browser: Browser
clinicInChromium((started) => {
  ;({ clinic, browser } = started)
})

test('SM-036, SM-037, SM-308: both apps connect, renew and disconnect, and what they were given never reaches the browser', async () => {
  const { visits, carePlan, keyward } = clinic.addresses
  const person = await newPerson(browser)
  const page = await person.newPage()
  const seen: string[] = []
  page.on('response', async (answer) => {
    const redirects = answer.status() >= 300 && answer.status() < 400
    const body = redirects ? '' : await answer.text().catch(() => '')
    if (!answer.url().startsWith(keyward)) seen.push(JSON.stringify(await answer.allHeaders()), body)
  })
  const says = (name: string, words: string) => page.getByTestId(name).filter({ hasText: words }).waitFor()
  const shareLeo = page.getByRole('button', { name: 'Share Leo' })

  await page.goto(visits)
  await page.getByRole('link', { name: 'Connect to my clinic' }).click()
  await signIn(page, clinic, 'maria')
  await pickPatient(page, 'Leo Diaz')
  await shareLeo.click()
  await says('patient', 'Leo Diaz (Patient/leo)')
  await says('user', 'Patient/maria')
  await says('offline', 'yes')
  expect(await page.getByRole('rowheader').allTextContents()).toEqual([
    ...['November 18, 2025', 'June 10, 2025', 'June 11, 2024'],
    ...['February 15, 2024', 'June 6, 2023', 'June 7, 2022']
  ])

  await page.goto(carePlan)
  await page.getByRole('link', { name: 'Connect to my clinic' }).click()
  await pickPatient(page, 'Leo Diaz')
  await shareLeo.click()
  await says('patient', 'Leo Diaz (Patient/leo)')
  await page.getByText('Play football without wheezing').waitFor()

  for (const start of [visits, carePlan]) {
    await page.goto(start)
    await page.getByRole('button', { name: 'Renew access' }).click()
    await page.getByRole('status').filter({ hasText: 'Access was renewed, for the same patient.' }).waitFor()
  }
  const cookies = await person.cookies([visits, carePlan])
  const own = cookies.filter(({ path }) => path !== '/')
  expect(own.map(({ name, httpOnly, sameSite, path }) => [name, httpOnly, sameSite, path]).sort()).toEqual([
    ['my-care-plan-session', true, 'Lax', '/my-care-plan/'],
    ['my-visits-session', true, 'Lax', '/my-visits/']
  ])
  expect(seen.length).toBeGreaterThan(10)
  expect(seen.filter((text) => /kw_[ar]t_|eyJ/.test(text))).toEqual([])

  await page.goto(visits)
  await page.getByRole('button', { name: 'Disconnect' }).click()
  await page.getByRole('link', { name: 'Connect to my clinic' }).waitFor()
  await page.goto(`${keyward}/account`)
  const connected = page.getByRole('listitem').filter({ hasText: 'My Care Plan' })
  await connected.getByRole('button', { name: 'Stop' }).click()
  await page.getByRole('status').filter({ hasText: 'Stopped' }).waitFor()
  await page.goto(carePlan)
  await page.getByRole('alert').filter({ hasText: 'no longer lets this app in' }).waitFor()
  await person.close()
})

test('SM-037: the app with a key publishes the public half of it, and nothing more', async () => {
  const published: unknown = await (await fetch(new URL('/jwks', clinic.addresses.carePlan))).json()
  const [x, y, kid] = [expect.any(String), expect.any(String), expect.any(String)]
  expect(published).toEqual({ keys: [{ kty: 'EC', crv: 'P-384', x, y, kid, alg: 'ES384', use: 'sig' }] })
})

test('an answer that the app did not ask for connects nothing', async () => {
  const person = await newPerson(browser)
  const page = await person.newPage()
  await page.goto(`${clinic.addresses.visits}callback?code=kw_ac_x&state=y&iss=${encodeURIComponent(clinic.addresses.keyward)}`)
  await page.getByRole('alert').filter({ hasText: 'was not waiting for an answer' }).waitFor()
  await page.goto(`${clinic.addresses.visits}connect`)
  await page.goto(`${clinic.addresses.visits}callback?code=kw_ac_x&state=y&iss=${encodeURIComponent(clinic.addresses.keyward)}`)
  await page.getByRole('alert').filter({ hasText: 'This answer belongs to another sign-in.' }).waitFor()
  await person.close()
})
