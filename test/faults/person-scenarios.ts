/** What a person was doing in a browser when a replica died, and what the same browser meets at the other one. */
import { expect } from 'vitest'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import type { Answer } from './history.ts'
import { sentBy } from './person.ts'
import { type Attempt, introspecting, redeeming } from './recorder.ts'
import { ask, expectToldIfEnded, type Scenario, type Site } from './token-scenarios.ts'

/** The form of the page that a browser shows, as it would be sent to the replica that dies. */
function sending({ issuer, dying }: Site, browser: Browser, fields: Record<string, string>, at = 0): Omit<Attempt, 'operation'> {
  const { action, hidden } = browser.form(at)
  const { pathname } = new URL(action)
  return { port: dying, path: pathname, form: { ...hidden, ...fields }, headers: sentBy(browser, issuer, pathname) }
}

/** The consent that the person's account page lists, by its id; undefined where it lists none. */
async function listedConsent({ issuer, person: { browser } }: Site): Promise<string | undefined> {
  await browser.open(`${issuer}/account`)
  return browser.form().hidden.consentId
}

/** Whether a consent is there now, for the history. */
async function look(site: Site): Promise<Answer> {
  return site.recorder.note({ type: 'find', what: CONSENT }, async () => {
    const consentId = await listedConsent(site)
    if (consentId !== undefined) site.consentsSeen.add(consentId)
    return { type: 'found', found: consentId !== undefined }
  })
}

const CONSENT = "dr.lee's consent to the app"

/** Stops the app, so that the next consent is the first. */
async function stopped(site: Site): Promise<void> {
  const { person, living } = site
  if ((await listedConsent(site)) === undefined) return
  expect(await ask(site, await person.stopping(living, [CONSENT]))).toEqual({ type: 'done' })
}

/** A consent that was given before the kill is given, or it is not, and then the same page gives it. */
export const consent: Scenario = async (site) => {
  const { person } = site
  await stopped(site)
  const page = await person.browser.open(person.authorizationUrl())
  expect(page.step).toBe('consent')
  const attempt: Attempt = {
    ...sending(site, person.browser, { decision: 'allow' }),
    ticks: person.browser.form().checkboxes.filter(({ checked }) => checked),
    operation: { type: 'keep', what: CONSENT }
  }
  return {
    attempt,
    async settle() {
      await look(site)
      await person.browser.open(page.url)
      const callback = await person.browser.submit({ decision: 'allow' })
      const code = person.codeFrom(callback)
      await site.recorder.note({ type: 'keep', what: CONSENT }, async () => ({ type: 'done' }))
      expect(await look(site)).toEqual({ type: 'found', found: true })
      const tokens = await ask(site, redeeming(site.living, code, person.verifier, person.fhirUser))
      if (tokens.type !== 'tokens') throw new Error(`after the consent there are no tokens: ${JSON.stringify(tokens)}`)
      expect(await ask(site, introspecting(site.living, tokens.access))).toMatchObject({ active: true })
    }
  }
}

/** Nothing is shared by a refusal, however far it came. */
export const refusal: Scenario = async (site) => {
  const { person } = site
  await stopped(site)
  const page = await person.browser.open(person.authorizationUrl())
  const attempt: Attempt = {
    ...sending(site, person.browser, { decision: 'deny' }),
    operation: { type: 'step', what: 'refuse' }
  }
  return {
    attempt,
    async settle() {
      expect(await look(site)).toEqual({ type: 'found', found: false })
      await person.browser.open(page.url)
      const callback = await person.browser.submit({ decision: 'deny' })
      expect(new URL(callback.url).searchParams.get('error')).toBe('access_denied')
      expect(await look(site)).toEqual({ type: 'found', found: false })
    }
  }
}

export const stop: Scenario = async (site) => {
  const { person, living } = site
  const held = await person.tokens()
  const attempt = await person.stopping(site.dying, [held.refresh, CONSENT])
  const before = await site.told('access-ended', 'ended')
  return {
    attempt,
    async settle() {
      await expectToldIfEnded(site, held.access, async () => (await site.told('access-ended', 'ended')) > before)
      const listed = await look(site)
      if (listed.type === 'found' && listed.found)
        expect(await ask(site, await person.stopping(living, [held.refresh, CONSENT]))).toEqual({ type: 'done' })
      expect(await ask(site, introspecting(living, held.access))).toEqual({ type: 'active', active: false })
      expect(await look(site)).toEqual({ type: 'found', found: false })
    }
  }
}

export const signIn: Scenario = async (site) => {
  const { issuer, person } = site
  const browser = newBrowser(issuer)
  const page = await browser.open(person.authorizationUrl())
  expect(page.step).toBe('login')
  const attempt: Attempt = {
    ...sending(site, browser, { username: 'dr.lee', password: PASSWORD }),
    operation: { type: 'step', what: 'sign in' }
  }
  return {
    attempt,
    async settle() {
      // Not signed in by halves: either the page is still there, or the browser has to begin again.
      await browser.open(page.url)
      const next = await browser.submit({ username: 'dr.lee', password: PASSWORD })
      expect([next.step, next.status < 400]).toEqual([expect.stringMatching(/^(consent)?$/), true])
    }
  }
}

export const signOut: Scenario = async (site) => {
  const { issuer, recorder, living } = site
  const browser = newBrowser(issuer)
  await browser.open(`${issuer}/account`)
  await browser.submit({ username: 'dr.lee', password: PASSWORD })
  const session = `the session of ${browser.cookies.map(({ value }) => value).join()}`.slice(0, 60)
  const isOpen = (): Promise<Answer> =>
    recorder.note({ type: 'introspect', token: session }, async () => ({
      type: 'active',
      active: (await browser.open(`${issuer}/account`)).step === ''
    }))
  expect(await isOpen()).toEqual({ type: 'active', active: true })
  const before = await site.told('sign-out', 'ended')
  const last = () => browser.page.html.match(/<form\b/g)?.length ?? 1
  const operation = { type: 'end' as const, tokens: [session] }
  const attempt: Attempt = { ...sending(site, browser, {}, last() - 1), operation }
  return {
    attempt,
    async settle() {
      const open = await isOpen()
      if (open.type === 'active' && !open.active) expect(await site.told('sign-out', 'ended')).toBeGreaterThan(before)
      if (open.type === 'active' && open.active)
        expect(await ask(site, { ...sending({ ...site, dying: living }, browser, {}, last() - 1), operation })).toEqual({
          type: 'done'
        })
      expect(await isOpen()).toEqual({ type: 'active', active: false })
    }
  }
}
