/** What becomes of an app that was registered at /developer: whose it is, how it gets to production, and how it ends. */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { openAuditTrail } from '../../src/audit/trail.ts'
import { createClients } from '../../src/clients/clients.ts'
import { createStoredClients } from '../../src/clients/stored-clients.ts'
import type { Config } from '../../src/config/config.ts'
import { approveCommand, declineCommand, nameOf, requestsCommand, verifyRequestCommand } from '../../src/developer/commands.ts'
import { newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser, type Page } from '../harness/browser.ts'
import { addApp, FILLED, idOn, press, signedIn, withDevelopers } from '../harness/developing.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { post, textOf, walkTo } from '../harness/on-pages.ts'
import { ask, SANDBOX_BASE } from '../harness/registering.ts'
import { newVisit } from '../harness/visit.ts'

const SCOPE = 'openid launch/patient offline_access patient/Observation.rs'
const REDIRECT = 'https://sleep.example/cb'

describe.each(STORES)('an app of a developer on %s', (store) => {
  let keyward: Keyward
  let devi: Browser
  let page: Page
  let clientId: string
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withDevelopers })
    expect(await storeOf(keyward.issuer)).toBe(store)
    devi = await signedIn(keyward, 'devi')
  })
  afterAll(() => keyward?.stop())
  beforeEach(async () => {
    page = await addApp(keyward, devi)
    clientId = idOn(page)
  })

  const clients = () => createClients({ configured: [], issuer: keyward.issuer, store: keyward.store })
  const record = () => createStoredClients({ store: keyward.store, now: () => Date.now() }).read(clientId)
  const consentPage = (aud: string) =>
    walkTo(
      newBrowser(keyward.issuer),
      newApp(keyward.issuer, { clientId, redirectUri: REDIRECT }).authorizationUrl({ aud, scope: SCOPE }),
      'consent',
      { patient: aud === SANDBOX_BASE ? 'test' : 'leo' }
    )

  /** The operator's commands, on the store of the running server; and what they print. */
  async function commanded(command: (deps: Parameters<typeof requestsCommand>[0], request: string) => Promise<number>) {
    const printed: string[] = []
    const spies = (['log', 'error'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation((line: string) => void printed.push(line))
    )
    const found = await record()
    const deps: Parameters<typeof requestsCommand>[0] = {
      store: keyward.store,
      config: keyward.config,
      async withAuditTrail(on, work) {
        const audit = await openAuditTrail({ store: on, now: Date.now })
        await work(audit)
        await audit.close()
      },
      usernameOf: async (accountId) => (accountId === found?.owner ? 'devi' : undefined),
      now: Date.now
    }
    const code = await command(deps, found ? nameOf(found) : '')
    for (const spy of spies) spy.mockRestore()
    return { code, printed: printed.join('\n') }
  }

  test('case 88: an app of somebody else is as absent as none, at every address, and stays as it is', async () => {
    const before = JSON.stringify(await record())
    const dana = await signedIn(keyward, 'dana')
    expect(textOf(dana.page)).not.toContain('Sleep Diary')
    const { hidden } = dana.form()
    for (const id of [clientId, 'app-AAAAAAAAAAAAAAAAAAAAAA', 'heart-app', 'keyward-account']) {
      const at = `${keyward.issuer}/developer/apps/${id}`
      for (const path of ['', '/edit']) expect((await dana.open(`${at}${path}`)).status).toBe(404)
      for (const path of ['/edit', '/secret', '/production', '/delete']) {
        const form = { action: `${at}${path}`, hidden, checkboxes: [], radios: [] }
        expect((await post(dana, form, { ...FILLED, sure: 'yes' })).status).toBe(404)
      }
    }
    expect(JSON.stringify(await record())).toBe(before)
  })

  test('it has no registration access token: RFC 7592 gives no way in beside the page', async () => {
    const made = `kw_rat_${clientId}~${'A'.repeat(43)}`
    for (const token of [undefined, made])
      expect(await ask('GET', `${keyward.issuer}/register/${clientId}`, { token })).toMatchObject({ status: 401 })
  })

  test('its developer changes what it says, until it is open: its redirect URIs count at once', async () => {
    await devi.open(`${page.url}/edit`)
    expect(devi.page.html).toContain('value="Shows how you slept."')
    await devi.submit({ ...FILLED, name: 'Night Diary', redirects: 'https://night.example/cb' })
    expect(devi.page.url).toBe(page.url)
    expect(await clients().find(clientId)).toMatchObject({
      client_name: 'Night Diary',
      redirect_uris: ['https://night.example/cb']
    })
    const old = newApp(keyward.issuer, { clientId, redirectUri: REDIRECT })
    expect((await fetch(old.authorizationUrl({ aud: SANDBOX_BASE, scope: SCOPE }), { redirect: 'manual' })).status).toBe(400)
  })

  test('SM-304: it asks for production, the operator sees all that it says, verifies and opens it; then it is changed here no more', async () => {
    await press(devi, '/production')
    expect(textOf(devi.page)).toContain('we check that the app is yours')
    const shown = (await commanded(requestsCommand)).printed
    for (const line of ['returns to: https://sleep.example/cb', 'says of data: shares: no, sells: no', ': Shows how you slept.'])
      expect(shown).toContain(line)
    expect(shown).toContain(`  developer: devi (${(await record())?.owner})`)

    expect((await commanded(verifyRequestCommand)).code).toBe(0)
    expect(textOf(await devi.open(page.url))).toContain('Checked, not open yet')
    expect((await commanded(approveCommand)).code).toBe(0)
    expect(textOf(await devi.open(page.url))).toContain('Open to real records')
    expect(devi.page.html).not.toContain('/edit')
    expect((await devi.open(`${page.url}/edit`)).url).toBe(page.url)
    const form = { action: `${page.url}/edit`, hidden: devi.form().hidden, checkboxes: [], radios: [] }
    await post(devi, form, { ...FILLED, redirects: 'https://elsewhere.example/cb' })
    expect(await clients().find(clientId)).toMatchObject({ verified: true, redirect_uris: [REDIRECT] })

    const visit = newVisit(keyward, { clientId, redirectUri: REDIRECT })
    expect((await visit.tokens({ scope: SCOPE })).response.body).toMatchObject({ patient: 'leo' })
  })

  test('consent shows why it asks, and what it says it does with data, as its own words and as text', async () => {
    await devi.open(`${page.url}/edit`)
    const reason = ['', '', 'To tell you of <b>new</b> nights.', 'Shows $t(consent.deny) {{app}} how you slept.', '']
    await devi.submit({ ...FILLED, reason })
    const consent = await consentPage(SANDBOX_BASE)
    const text = textOf(consent)
    expect(text).toContain('The app says about the data that it gets: It does not give it to others. It does not sell it.')
    expect(text).toContain('It has not said if it uses it for ads.')
    expect(consent.html).toContain('The app says: <q dir="auto">To tell you of &lt;b&gt;new&lt;/b&gt; nights.</q>')
    expect(consent.html).toContain('<q dir="auto">Shows $t(consent.deny) {{app}} how you slept.</q>')
  })

  test('it changes while it asks, and has to ask again: nothing is approved that nobody has looked at', async () => {
    await press(devi, '/production')
    const seen = nameOf((await record()) ?? fail())
    await devi.open(`${page.url}/edit`)
    await devi.submit({ ...FILLED, sells: 'yes' })
    expect(textOf(devi.page)).not.toContain('You asked on')
    await press(devi, '/production')
    expect((await commanded((deps) => approveCommand(deps, seen))).code).toBe(1)
    expect(await clients().find(clientId)).toMatchObject({ sandbox: true })
  })

  test('it is declined on a ground of the list, which its developer reads, and asks again', async () => {
    await press(devi, '/production')
    const given = { ground: 'unreachable', reason: 'No answer from <help@sleep.example>.' }
    expect((await commanded((deps) => declineCommand(deps, clientId, given))).code).toBe(0)
    await devi.open(page.url)
    expect(textOf(devi.page)).toContain('Nobody could be reached')
    expect(devi.page.html).toContain('<q dir="auto">No answer from &lt;help@sleep.example&gt;.</q>')
    await press(devi, '/production')
    expect(textOf(devi.page)).toContain('You asked on')
    expect((await record())?.production).toMatchObject({ state: 'asked' })
  })

  test('an operator bars it, and nothing is left to its developer', async () => {
    await devi.open(page.url)
    const { hidden } = devi.form()
    await clients().setDisabled(clientId, true)
    const before = JSON.stringify(await record())
    expect(textOf(await devi.open(page.url))).toContain('We have stopped this app.')
    expect(devi.page.html).not.toContain('<form')
    for (const path of ['edit', 'secret', 'production', 'delete']) {
      const form = { action: `${page.url}/${path}`, hidden, checkboxes: [], radios: [] }
      expect((await post(devi, form, { ...FILLED, sure: 'yes' })).status).toBe(303)
    }
    expect(JSON.stringify(await record())).toBe(before)
    // Nothing is recorded as done that was not.
    const events = (await keyward.auditEvents('registration')).filter((event) => event.clientId === clientId)
    expect(events.map(({ outcome }) => outcome)).toEqual(['registered'])
  })

  test('deleting it takes a tick, and ends it and what came of it', async () => {
    const visit = newVisit(keyward, { clientId, redirectUri: REDIRECT })
    const { refresh } = await visit.tokens({ aud: SANDBOX_BASE, scope: SCOPE }, { patient: 'test' })
    await press(devi, '/delete')
    expect(await record()).toBeDefined()
    await press(devi, '/delete', { sure: 'yes' })
    expect(devi.page.url).toBe(`${keyward.issuer}/developer`)
    expect(await record()).toBeUndefined()
    expect((await visit.app.refresh(refresh)).status).toBe(401)
    expect((await devi.open(page.url)).status).toBe(404)
  })

  test('every change is in the audit trail, with who made it', async () => {
    await devi.open(page.url)
    await devi.open(`${page.url}/edit`)
    await devi.submit({ ...FILLED, kind: 'client_secret_basic' })
    await press(devi, '/secret')
    await press(devi, '/production')
    await press(devi, '/delete', { sure: 'yes' })
    const events = (await keyward.auditEvents('registration')).filter((event) => event.clientId === clientId)
    expect(events.map(({ outcome }) => outcome)).toEqual([
      'registered',
      'changed',
      'secret-rotated',
      'production-asked',
      'deleted'
    ])
    expect(new Set(events.map(({ accountId }) => accountId)).size).toBe(1)
    expect(events[0]?.accountId).toMatch(/^[\w-]{22}$/)
  })

  test('a developer has no record to share with any app, their own neither', async () => {
    const app = newApp(keyward.issuer, { clientId, redirectUri: REDIRECT })
    for (const scope of [SCOPE, 'openid user/Patient.rs'])
      expect(textOf(await devi.open(app.authorizationUrl({ aud: SANDBOX_BASE, scope })))).toContain(
        'Your account is not linked to the records'
      )
  })
})

describe.each(STORES)('limits for developers on %s', (store) => {
  test('case 90: so many apps are added in a day, by form and by program together; the second factor is asked for', async () => {
    const change = (config: Config): Config => {
      const secondFactor = { ...config.secondFactor, developers: 'required' } as const
      return { ...withDevelopers(config), secondFactor, registration: { enabled: true, perDay: 1 } }
    }
    const keyward = await startKeyward({ store, change })
    try {
      expect(await storeOf(keyward.issuer)).toBe(store)
      const asked = await signedIn(keyward, 'devi')
      expect(asked.page.step).toBe('mfa')
      expect((await asked.open(`${keyward.issuer}/developer`)).step).toBe('mfa')
    } finally {
      await keyward.stop()
    }
    const without = await startKeyward({
      store,
      change: (config) => ({ ...change(config), secondFactor: withDevelopers(config).secondFactor })
    })
    try {
      const devi = await signedIn(without, 'devi')
      expect((await addApp(without, devi)).status).toBe(200)
      const refused = await addApp(without, devi)
      expect(refused.status).toBe(422)
      expect(textOf(refused)).toContain('Too many apps were added today')
      expect(refused.html).toContain('value="Sleep Diary"')
    } finally {
      await without.stop()
    }
  })

  test('case 90: whoever adds and deletes apps without end uses up a part of the day, and keeps nobody else out', async () => {
    const keyward = await startKeyward({
      store,
      change: (config) => ({ ...withDevelopers(config), registration: { enabled: true, perDay: 10 } })
    })
    try {
      const devi = await signedIn(keyward, 'devi')
      for (let at = 0; at < 2; at += 1) {
        await addApp(keyward, devi)
        await press(devi, '/delete', { sure: 'yes' })
      }
      expect(textOf(await addApp(keyward, devi))).toContain('Too many apps were added today')
      expect((await addApp(keyward, await signedIn(keyward, 'dana'))).status).toBe(200)
    } finally {
      await keyward.stop()
    }
  })
})

test('where apps may not register themselves, there is no such page', async () => {
  const keyward = await startKeyward({
    change: (config) => ({ ...withDevelopers(config), registration: { enabled: false, perDay: 1 } })
  })
  try {
    for (const path of ['', '/new', '/signed-in', '/apps/heart-app'])
      expect((await fetch(`${keyward.issuer}/developer${path}`)).status).toBe(404)
  } finally {
    await keyward.stop()
  }
})

function fail(): never {
  throw new Error('it is not registered')
}
