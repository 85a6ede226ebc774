/** What people do on Keyward's pages and in Heart App, with a mouse. */
import type { Page, Request, Response } from 'playwright-core'
import type { ClinicUnderTest } from './clinic-under-test.ts'

export interface TokenAnswer {
  access_token: string
  refresh_token?: string
  id_token?: string
  expires_in: number
  scope: string
  patient?: string
  encounter?: string
}

/** What Heart App says of one of its requests. */
export interface AppResult {
  id: string
  status: number
  count: number
}

/** Password and code. */
export async function signIn(page: Page, clinic: ClinicUnderTest, username: string): Promise<void> {
  const { password, totp } = clinic.account(username)
  await page.getByLabel('User name').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByLabel('Six-number code').fill(await clinic.codeFor(totp ?? ''))
  await page.getByRole('button', { name: 'Go on' }).click()
}

export async function pickPatient(page: Page, name: string): Promise<void> {
  await page.getByRole('radio', { name }).check()
  await page.getByRole('button', { name: 'Go on' }).click()
}

/** The answer of the token endpoint to Heart App, while `act` makes it ask. */
export async function tokenAnswer(page: Page, clinic: ClinicUnderTest, act: () => Promise<unknown>): Promise<TokenAnswer> {
  const isTokens = (response: Response) =>
    response.url() === `${clinic.addresses.keyward}/token` && response.request().method() === 'POST'
  const [response] = await Promise.all([page.waitForResponse(isTokens), act()])
  return response.json()
}

/** What Heart App got, once it has asked for everything. */
export async function appResults(page: Page): Promise<Map<string, AppResult>> {
  await page
    .getByTestId('status')
    .filter({ hasText: /Done|ended/ })
    .waitFor()
  const results: AppResult[] = JSON.parse((await page.getByTestId('results').textContent()) ?? '')
  return new Map(results.map((result) => [result.id, result]))
}

/** Reads from the FHIR server as a page of the app's origin does. */
export function fhirFromApp(page: Page, url: string, accessToken: string): Promise<{ status: number; body: unknown }> {
  return page.evaluate(
    async ([address, token]) => {
      const answer = await fetch(address ?? '', {
        headers: { Authorization: `Bearer ${token}`, Accept: 'application/fhir+json' }
      })
      return { status: answer.status, body: await answer.json() }
    },
    [url, accessToken]
  )
}

/** Where Keyward sends the browser back to, when `act` ends the authorization. */
export async function returnToApp(page: Page, clinic: ClinicUnderTest, act: () => Promise<unknown>): Promise<URL> {
  const isReturn = (request: Request) => request.url().startsWith(`${clinic.addresses.app}/app?`)
  const [request] = await Promise.all([page.waitForRequest(isReturn), page.waitForURL(`${clinic.addresses.app}/app**`), act()])
  return new URL(request.url())
}
