/** Case 26: an app that sends the same code_challenge again and again is written into the log, once, and goes on working. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AppClient } from '../harness/app-client.ts'
import { newApp } from '../harness/app-client.ts'
import type { Browser } from '../harness/browser.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { allowedBrowser, CLINICIAN_SCOPE, paramsOf } from '../harness/refusals.ts'

const WORDS = 'an app uses one code_challenge again and again'

describe.each(STORES)('one code_challenge on %s', (store) => {
  let keyward: Keyward
  let browser: Browser
  beforeAll(async () => {
    keyward = await startKeyward({ store })
    expect(await storeOf(keyward.issuer)).toBe(store)
    browser = await allowedBrowser(keyward, newApp(keyward.issuer))
  })
  afterAll(() => keyward?.stop())

  const warnings = () => keyward.log.filter((line) => line.includes(WORDS)).map((line): unknown => JSON.parse(line))

  async function code(app: AppClient, state: number): Promise<string> {
    const url = app.authorizationUrl({ scope: CLINICIAN_SCOPE, prompt: 'none', state: `s-${state}` })
    return paramsOf((await browser.send(url)).headers.get('Location') ?? '').code ?? ''
  }

  test('case 26: a new challenge for each authorization is no matter, however many', async () => {
    for (let count = 0; count < 8; count++) expect(await code(newApp(keyward.issuer), count)).not.toBe('')
    expect(warnings()).toEqual([])
  })

  test('case 26: the same one in many transactions of one app is logged, without the challenge, and the app is served', async () => {
    const app = newApp(keyward.issuer)
    const codes: string[] = []
    for (let count = 0; count < 8; count++) codes.push(await code(app, count))
    expect(warnings()).toEqual([expect.objectContaining({ clientId: 'heart-app' })])
    expect((await app.redeem(codes.at(-1) ?? '')).status).toBe(200)
  })
})
