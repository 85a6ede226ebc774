/** Somebody who sets up one-time codes, and an app that registers itself, while a replica dies. */
import { expect } from 'vitest'
import { newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import { APP } from '../harness/registering.ts'
import { noteSecret } from '../harness/run-folder.ts'
import { type Lane, nextCode } from './one-time-codes.ts'
import { sentBy } from './person.ts'
import type { Attempt } from './recorder.ts'
import { ask, type Scenario } from './token-scenarios.ts'

/** Each of the names is good for one time: their accounts have no second factor yet. */
export function enrolment(names: readonly string[]): Scenario {
  const left = [...names]
  return async (site) => {
    const { issuer, dying, living } = site
    const username = left.shift()
    if (username === undefined) throw new Error('nobody is left who has no second factor')
    const browser = newBrowser(issuer)
    await browser.open(newApp(issuer).authorizationUrl())
    const page = await browser.submit({ username, password: PASSWORD })
    const totp = /<code>([A-Z2-7 ]+)<\/code>/.exec(page.html)?.[1]?.replaceAll(' ', '')
    if (page.step !== 'mfa' || totp === undefined) throw new Error(`${username} is offered no key: ${page.status} ${page.url}`)
    noteSecret('TOTP key', totp)
    const lane: Lane = { username, totp, lastStep: 0, waiting: [] }
    const { action, hidden } = browser.form()
    const { pathname } = new URL(action)
    const sending = async (port: number): Promise<Attempt> => {
      const { code, operation } = await nextCode(lane)
      return { port, path: pathname, form: { ...hidden, code }, headers: sentBy(browser, issuer, pathname), operation }
    }
    const attempt = await sending(dying)
    return {
      attempt,
      async settle() {
        await site.expectAllAudited()
        // The code is used up or not; with the next one they are in, whether the key counts already or not.
        const again = await ask(site, { ...attempt, port: living })
        if (again.type !== 'done') {
          expect(again).toEqual({ type: 'refused', error: 'code' })
          expect(await ask(site, await sending(living))).toEqual({ type: 'done' })
        }
        await site.expectAllAudited()
      }
    }
  }
}

/** The invitation is used up, or it is not and registers the app; a new one does in any case. */
export const registration: Scenario = async (site) => {
  const { dying, living } = site
  const asking = async (port: number): Promise<Attempt> => ({
    port,
    path: '/register',
    form: {},
    json: APP,
    headers: { Authorization: `Bearer ${await site.invitation()}` },
    operation: { type: 'step', what: 'register an app' }
  })
  const attempt = await asking(dying)
  return {
    attempt,
    async settle() {
      await site.expectAllAudited()
      const again = await ask(site, { ...attempt, port: living })
      if (again.type !== 'done') expect(again).toEqual({ type: 'refused', error: '401' })
      expect(await ask(site, await asking(living))).toEqual({ type: 'done' })
      await site.expectAllAudited()
    }
  }
}
