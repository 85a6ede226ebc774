/** /developer: somebody who makes apps registers them with a form, in the sandbox at once, and manages them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClients } from '../../src/clients/clients.ts'
import { createStoredClients } from '../../src/clients/stored-clients.ts'
import { basic } from '../harness/app-client.ts'
import { newClientKey } from '../harness/backend-client.ts'
import { newBrowser, type Page } from '../harness/browser.ts'
import { addApp, FILLED, idOn, press, secretOn, signedIn, withDevelopers } from '../harness/developing.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { post, textOf } from '../harness/on-pages.ts'
import { SANDBOX_BASE } from '../harness/registering.ts'
import { newVisit } from '../harness/visit.ts'

const SCOPE = 'openid launch/patient patient/Observation.rs'

describe.each(STORES)('the pages of developers on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withDevelopers })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward?.stop())

  const clients = (ahead = 0) =>
    createClients({ configured: [], issuer: keyward.issuer, store: keyward.store, now: () => Date.now() + ahead })
  const stored = () => createStoredClients({ store: keyward.store, now: () => Date.now() })
  const sub = async (page: Page): Promise<string> => (await stored().read(idOn(page)))?.owner ?? ''
  /** invalid_grant: authenticated, and refused for its code only. */
  const errorWith = async (clientId: string, secret: string | undefined): Promise<unknown> => {
    const answer = await fetch(`${keyward.issuer}/token`, {
      method: 'POST',
      headers: { Authorization: basic(clientId, String(secret)) },
      body: new URLSearchParams({ grant_type: 'authorization_code', code: 'none', redirect_uri: 'x', code_verifier: 'y' })
    })
    return Object.entries(JSON.parse(await answer.text())).find(([name]) => name === 'error')?.[1]
  }

  test('a developer signs in as everybody does, and comes back to apps that are their own', async () => {
    const browser = newBrowser(keyward.issuer)
    const login = await browser.open(`${keyward.issuer}/developer`)
    expect(login.step).toBe('login')
    expect(textOf(login)).toContain('See the apps that you make')
    const page = await signedIn(keyward, 'dana').then((signed) => signed.page)
    expect(page).toMatchObject({ url: `${keyward.issuer}/developer`, status: 200 })
    expect(textOf(page)).toContain('Signed in as Dana Cole')
    expect(page.headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(page.headers.get('cache-control')).toBe('no-store')
  })

  test.each(['maria', 'dr.lee'])('%s makes no apps: the page says so, and so does every form', async (username) => {
    const browser = await signedIn(keyward, username)
    expect(browser.page.status).toBe(403)
    expect(textOf(browser.page)).toContain('This page is for people who make apps')
    const { hidden } = browser.form()
    for (const path of ['new', 'apps/heart-app/secret', 'apps/heart-app/delete']) {
      const form = { action: `${keyward.issuer}/developer/${path}`, hidden, checkboxes: [], radios: [] }
      expect((await post(browser, form, { ...FILLED, once: 'once-once-once-once-on' })).status).toBe(403)
    }
    expect((await browser.open(`${keyward.issuer}/developer/new`)).status).toBe(403)
  })

  test('signed out, or from another page, no form does anything', async () => {
    const browser = newBrowser(keyward.issuer)
    await browser.open(`${keyward.issuer}/developer`)
    const form = { action: `${keyward.issuer}/developer/new`, hidden: browser.form().hidden, checkboxes: [], radios: [] }
    const answer = await post(browser, form, FILLED)
    expect([answer.status, answer.headers.get('location')]).toEqual([303, expect.stringContaining('/authorize?')])
    const devi = await signedIn(keyward, 'devi')
    const { hidden } = devi.form()
    for (const sent of [{ csrf: undefined }, { csrf: 'x' }, { headers: { 'Sec-Fetch-Site': 'cross-site' } }])
      expect((await post(devi, { ...form, hidden }, FILLED, sent)).status).toBe(403)
    expect(textOf(await devi.open(`${keyward.issuer}/developer`))).toContain('You have no app here yet')
  })

  test('SM-063, SM-064: an app of the form works with test records at once, and with no other', async () => {
    const browser = await signedIn(keyward, 'devi')
    const page = await addApp(keyward, browser)
    const clientId = idOn(page)
    expect(page.url).toBe(`${keyward.issuer}/developer/apps/${clientId}`)
    expect(textOf(page)).toContain(SANDBOX_BASE)
    expect(textOf(page)).not.toContain('http://localhost:9001/fhir')
    expect(await clients().find(clientId)).toMatchObject({
      client_name: 'Sleep Diary',
      redirect_uris: ['https://sleep.example/cb'],
      launch_url: 'https://sleep.example/launch',
      contacts: ['help@sleep.example'],
      grant_types: ['authorization_code', 'refresh_token'],
      smart_scope: 'openid fhirUser launch/patient offline_access patient/Observation.rs',
      scope_reasons: { offline_access: 'To tell you of new nights.', 'patient/Observation.rs': 'Shows how you slept.' },
      privacy_answers: { shares: 'no', sells: 'no', keeps: 'while-in-use', deletes: 'yes' },
      verified: false,
      sandbox: true
    })
    const visit = newVisit(keyward, { clientId, redirectUri: 'https://sleep.example/cb' })
    const { response } = await visit.tokens({ aud: SANDBOX_BASE, scope: SCOPE }, { patient: 'test', tick: () => true })
    expect(response.body).toMatchObject({ patient: 'test', scope: expect.stringContaining('patient/Observation.rs') })
    const closed = await visit.browser.open(visit.app.authorizationUrl({ scope: SCOPE }))
    expect(closed.url).not.toContain('code=')
    expect(await keyward.auditEvents('registration')).toContainEqual({
      type: 'registration',
      outcome: 'registered',
      clientId,
      accountId: await sub(page)
    })
  })

  test('case 148: a secret is shown by one answer, which nobody keeps, and is good beside the next one for a day', async () => {
    const browser = await signedIn(keyward, 'devi')
    const page = await addApp(keyward, browser, { kind: 'client_secret_basic' })
    const [clientId, first] = [idOn(page), secretOn(page)]
    expect(page).toMatchObject({ status: 201, url: `${keyward.issuer}/developer/new` })
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(first).toMatch(/^[\w-]{43}$/)
    expect(await errorWith(clientId, first)).toBe('invalid_grant')
    expect(await errorWith(clientId, 'wrong')).toBe('invalid_client')
    const again = await browser.open(`${keyward.issuer}/developer/apps/${clientId}`)
    expect(again.html).not.toContain(first)

    const rotated = await press(browser, '/secret')
    const second = secretOn(rotated)
    expect([await errorWith(clientId, first), await errorWith(clientId, second)]).toEqual(['invalid_grant', 'invalid_grant'])
    expect(textOf(rotated)).toMatch(/The old one is good until \w+ \d+, \d{4} at .* UTC\./)
    expect((await clients(25 * 3_600_000).find(clientId))?.secret_hashes).toHaveLength(1)
    const third = secretOn(await press(browser, '/secret'))
    expect([await errorWith(clientId, first), await errorWith(clientId, third)]).toEqual(['invalid_client', 'invalid_grant'])
    const kept = `${keyward.log.join('')} ${JSON.stringify(await keyward.audit())} ${JSON.stringify(await stored().read(clientId))}`
    for (const secret of [first, second, third]) expect(kept).not.toContain(secret)
  })

  test('SM-067: keys are pasted, or their address is named; what becomes a client with a secret is told one', async () => {
    const browser = await signedIn(keyward, 'devi')
    const jwks = { keys: [newClientKey('ES384').jwk] }
    const page = await addApp(keyward, browser, { kind: 'private_key_jwt', jwks: JSON.stringify(jwks) })
    expect(await clients().find(idOn(page))).toMatchObject({ token_endpoint_auth_method: 'private_key_jwt', jwks })
    await browser.open(`${page.url}/edit`)
    await browser.submit({ ...FILLED, kind: 'private_key_jwt', jwksUri: 'https://sleep.example/jwks' })
    expect(await clients().find(idOn(page))).toMatchObject({ jwks_uri: 'https://sleep.example/jwks' })
    expect(await clients().find(idOn(page))).not.toHaveProperty('jwks')
    await browser.open(`${page.url}/edit`)
    const changed = await browser.submit({ ...FILLED, kind: 'client_secret_basic' })
    expect(await errorWith(idOn(page), secretOn(changed))).toBe('invalid_grant')
  })

  test.each([
    ['case 15: an address that a browser would run', { redirects: 'javascript:alert(1)' }, 'redirect_uris'],
    ['case 82: an address inside', { jwksUri: 'https://169.254.169.254/jwks', kind: 'private_key_jwt' }, 'jwks_uri'],
    ['no redirect URI', { redirects: '' }, 'redirect_uris'],
    ['a name that turns around', { name: 'Sleep \u202eyraiD' }, 'client_name'],
    ['no name', { name: ' ' }, 'client_name'],
    ['keys that are none', { kind: 'private_key_jwt', jwks: '{"keys":' }, 'jwks'],
    ['a private key', { kind: 'private_key_jwt', jwks: '{"keys":[{"kty":"RSA","kid":"a","d":"x"}]}' }, 'jwks'],
    ["scopes of Keyward's own API", { scope: ['__introspect'], reason: [''] }, 'scope'],
    ['system scopes', { scope: ['system/*.rs'], reason: [''] }, 'scope'],
    ['a reason that hides', { scope: ['openid'], reason: ['to greet\u202e you'] }, 'scope_reasons'],
    ['an answer that is none', { sells: 'maybe' }, 'privacy_answers'],
    ['another way to sign in', { kind: 'client_secret_post' }, 'token_endpoint_auth_method']
  ])(
    'case 89: the rules are those of registration: %s is refused, and the form keeps what was typed',
    async (_what, changes, member) => {
      const browser = await signedIn(keyward, 'devi')
      const before = (await stored().ownedBy(await subOf('devi'))).length
      const page = await addApp(keyward, browser, { website: 'https://kept.example', ...changes })
      expect(page.status).toBe(422)
      expect(page.html).toContain('role="alert"')
      expect(textOf(page)).toContain(`${member}`)
      expect(page.html).toContain('value="https://kept.example"')
      expect((await stored().ownedBy(await subOf('devi'))).length).toBe(before)
    }
  )

  async function subOf(username: string): Promise<string> {
    const { createAccounts } = await import('../../src/accounts/accounts.ts')
    const { createPasswords } = await import('../../src/accounts/password.ts')
    const accounts = createAccounts({ store: keyward.store, passwords: await createPasswords(), now: Date.now })
    return (await accounts.findByUsername(username))?.sub ?? ''
  }

  test('more lines for scopes are a button away, and what was typed stays', async () => {
    const browser = await signedIn(keyward, 'devi')
    await browser.open(`${keyward.issuer}/developer/new`)
    const rows = (page: Page) => page.html.split('name="scope"').length - 1
    const before = rows(browser.page)
    const scope = Array.from({ length: before }, (_, at) => `patient/Observation.rs?code=${at}`)
    const page = await browser.submit({ ...FILLED, scope, reason: scope.map(() => 'why'), button: 'more' })
    expect([page.status, rows(page)]).toEqual([200, before + 3])
    expect(page.html).toContain(`value="${scope.at(-1)}"`)
  })

  test('a form that is sent twice makes one app', async () => {
    const browser = await signedIn(keyward, 'dana')
    await browser.open(`${keyward.issuer}/developer/new`)
    const form = browser.form()
    const answers = await Promise.all([0, 1, 2].map(() => post(browser, form, FILLED)))
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303])
    expect(await stored().ownedBy(await subOf('dana'))).toHaveLength(1)
    expect((await post(browser, { ...form, hidden: { ...form.hidden, once: '' } }, FILLED)).status).toBe(400)
  })
})
