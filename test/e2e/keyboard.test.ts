/** The whole journey without a mouse: Tab, Space, Enter and the arrow keys; the focus is always seen and never trapped. */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type AppClient, newApp } from '../harness/app-client.ts'
import { newPerson } from './chromium.ts'
import { clinicInChromium } from './clinic-in-chromium.ts'
import type { ClinicUnderTest } from './clinic-under-test.ts'
import { returnToApp } from './journey.ts'
import { focusOn, tabStops, tabTo } from './keyboard.ts'

const ALLERGIES = 'patient/AllergyIntolerance.rs'
const VACCINES = 'patient/Immunization.rs'

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
  person = await newPerson(browser, { viewport: { width: 360, height: 800 } })
  page = await person.newPage()
})
afterEach(() => person.close())

const press = (key: string): Promise<void> => page.keyboard.press(key)
const heading = (name: string): Promise<void> => page.getByRole('heading', { level: 1, name }).waitFor()

async function signInByKeys(scope: string): Promise<void> {
  const { password, totp } = clinic.account('maria')
  await page.goto(app.authorizationUrl({ scope: `openid fhirUser launch/patient ${scope}`, aud: clinic.addresses.fhir }))
  await expectEveryStopSeen()
  await tabTo(page, 'User name')
  await page.keyboard.type('maria')
  await tabTo(page, 'Password')
  await page.keyboard.type(password)
  await press('Enter')
  await heading('Enter your code')
  await expectEveryStopSeen()
  await tabTo(page, 'Six-number code')
  await page.keyboard.type(await clinic.codeFor(totp ?? ''))
  await press('Enter')
  await heading('Whose records')
  await expectEveryStopSeen()
  await tabTo(page, 'Maria Diaz')
  await press('ArrowDown')
  expect((await focusOn(page))?.name).toContain('Leo Diaz')
  await tabTo(page, 'Go on')
  await press('Space')
  await heading('Leo Diaz')
}

/** All stops of a page, forwards and backwards: none without a mark, none out of sight, none that holds the focus. */
async function expectEveryStopSeen(): Promise<void> {
  const forwards = await tabStops(page, 'Tab')
  expect(forwards.filter((stop) => !stop.marked || !stop.inView)).toEqual([])
  const backwards = await tabStops(page, 'Shift+Tab')
  expect(backwards.map(({ name }) => name).reverse()).toEqual(forwards.map(({ name }) => name))
}

async function expectEnterOnlyRedraws(): Promise<void> {
  // The answer's head comes before its document: the old one is marked, to be told from the new.
  await page.evaluate(`document.documentElement.dataset.before = ''`)
  const [answer] = await Promise.all([page.waitForResponse((one) => one.request().method() === 'POST'), press('Enter')])
  expect({ status: answer.status(), page: answer.url() }).toEqual({ status: 200, page: page.url() })
  await page.waitForFunction(`!('before' in document.documentElement.dataset) && document.readyState === 'complete'`)
}

test('sign in, pick, narrow, share, stop and sign out by keys; Enter among the choices shares nothing', async () => {
  await signInByKeys(`offline_access ${ALLERGIES} ${VACCINES}`)
  await expectEveryStopSeen()
  await tabTo(page, 'Vaccines given')
  await press('Space')
  expect(await page.getByRole('switch', { name: 'Vaccines given' }).isChecked()).toBe(false)
  await expectEnterOnlyRedraws()
  await tabTo(page, 'Only today')
  await press('ArrowDown')
  await expectEnterOnlyRedraws()
  expect(await page.getByRole('switch', { name: 'Vaccines given' }).isChecked()).toBe(false)
  expect(await page.getByRole('switch', { name: 'Allergies' }).isChecked()).toBe(true)
  expect(await page.getByRole('radio', { name: '3 months' }).isChecked()).toBe(true)
  await tabTo(page, 'Share Leo')
  const callback = await returnToApp(page, clinic, () => press('Enter'))
  const { body } = await app.redeem(callback.searchParams.get('code') ?? '')
  expect(body).toMatchObject({ patient: 'leo', scope: expect.stringContaining(ALLERGIES) })
  expect(body.scope).not.toContain(VACCINES)

  await page.goto(`${clinic.addresses.keyward}/account`)
  await expectEveryStopSeen()
  await tabTo(page, 'Stop Heart App')
  await press('Enter')
  await page.getByRole('status').filter({ hasText: 'Stopped' }).waitFor()
  await tabTo(page, 'Sign out')
  await press('Space')
  await heading('You are signed out')
  await expectEveryStopSeen()
})

test('a long consent page is opened group by group by keys, and refused', async () => {
  await signInByKeys('patient/*.rs')
  await expectEveryStopSeen()
  const daily = page.locator('#group-daily-life')
  await tabTo(page, 'Daily life')
  expect(await daily.getAttribute('open')).toBeNull()
  await press('Enter')
  expect(await daily.getAttribute('open')).not.toBeNull()
  // First what turns the whole group, then each switch.
  await press('Tab')
  const wholeGroup = daily.getByRole('button', { name: 'Turn all on Daily life' })
  expect(await wholeGroup.and(page.locator(':focus')).count()).toBe(1)
  await press('Tab')
  await press('Space')
  expect(await daily.getByRole('switch').first().isChecked()).toBe(true)
  await tabTo(page, 'Don’t share')
  const callback = await returnToApp(page, clinic, () => press('Space'))
  expect(callback.searchParams.get('error')).toBe('access_denied')
})
