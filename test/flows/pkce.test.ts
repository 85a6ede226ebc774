import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineKind } from '../../src/oidc/engine-records.ts'
import { type AppClient, challengeOf, newApp } from '../harness/app-client.ts'
import type { Browser } from '../harness/browser.ts'
import { APP_REDIRECT, SECRETS } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { allowedBrowser, CLINICIAN_SCOPE, expectErrorAt, paramsOf, recordsOf, refused } from '../harness/refusals.ts'

const KINDS = ['public', 'native', 'confidential'] as const
type KindOfApp = (typeof KINDS)[number]

describe.each(STORES)('PKCE on %s', (store) => {
  let keyward: Keyward
  let apps: Record<KindOfApp, { app: AppClient; clientId: string; redirectUri: string }>
  /** Signed in, and everything allowed: nothing but PKCE can be what is refused. */
  let browser: Browser
  beforeAll(async () => {
    keyward = await startKeyward({ store })
    expect(await storeOf(keyward.issuer)).toBe(store)
    const made = (clientId: string, redirectUri: string, secret?: string) => {
      const app = newApp(keyward.issuer, { clientId, redirectUri, ...(secret ? { secret } : {}) })
      return { app, clientId, redirectUri }
    }
    apps = {
      public: made('heart-app', APP_REDIRECT),
      native: made('small-app', 'http://127.0.0.1:50001/cb'),
      confidential: made('lab-app', 'https://lab.example/cb', SECRETS['lab-app'])
    }
    browser = await allowedBrowser(keyward, apps.public.app)
    await allowedBrowser(keyward, apps.native.app, browser)
    await allowedBrowser(keyward, apps.confidential.app, browser)
  })
  afterAll(() => keyward.stop())

  async function codeFor(kind: KindOfApp, params: Record<string, string | undefined> = {}): Promise<string> {
    const response = await browser.send(apps[kind].app.authorizationUrl({ scope: CLINICIAN_SCOPE, ...params }))
    const { code } = paramsOf(response.headers.get('Location') ?? '')
    if (!code) throw new Error(`no code for ${apps[kind].clientId}: ${response.headers.get('Location')}`)
    return code
  }

  async function expectRequestRefused(kind: KindOfApp, change: Record<string, string | undefined>): Promise<void> {
    const { app, clientId, redirectUri } = apps[kind]
    const answer = await refused(keyward, app.authorizationUrl({ scope: CLINICIAN_SCOPE, ...change }), { browser, clientId })
    expectErrorAt(answer, redirectUri, 'invalid_request')
  }

  async function expectCodeRefused(
    kind: KindOfApp,
    code: string,
    change: Record<string, string | undefined>,
    error: string
  ): Promise<void> {
    const { app, clientId } = apps[kind]
    const { done, records } = await recordsOf(keyward, () => app.redeem(code, change))
    expect({ status: done.status, body: done.body }).toEqual({
      status: 400,
      body: { error, error_description: expect.any(String) }
    })
    expect(records).toMatchObject([
      {
        event: {
          type: 'token',
          outcome: 'refused',
          reason: expect.stringMatching(/./),
          clientId,
          grantType: 'authorization_code'
        },
        source: { requestId: done.headers.get('X-Request-Id'), address: '127.0.0.1' }
      }
    ])
  }

  test.each(KINDS)('a %s app that shows its verifier gets a token', async (kind) => {
    expect((await apps[kind].app.redeem(await codeFor(kind))).status).toBe(200)
  })

  describe.each(KINDS)('for a %s app', (kind) => {
    test.each([
      ['with a method', 'S256'],
      ['and no method', undefined]
    ])('case 20: SM-090: no code_challenge, %s, is an invalid request', async (_what, code_challenge_method) => {
      await expectRequestRefused(kind, { code_challenge: undefined, code_challenge_method })
    })

    test('case 20: SM-090: an empty code_challenge is an invalid request', async () => {
      await expectRequestRefused(kind, { code_challenge: '' })
    })

    test.each([
      ['plain', 'plain'],
      ['no', undefined],
      ['an empty', ''],
      ['an unknown', 'S512'],
      ['a lower-case', 's256'],
      ['two', 'S256 plain']
    ])('case 21: SM-091: %s code_challenge_method is an invalid request', async (_what, code_challenge_method) => {
      await expectRequestRefused(kind, { code_challenge_method })
    })

    test('case 21: SM-091: plain with the verifier itself as the challenge is an invalid request', async () => {
      await expectRequestRefused(kind, { code_challenge: apps[kind].app.verifier, code_challenge_method: 'plain' })
    })

    test.each<[string, (verifier: string) => string | undefined]>([
      ['no code_verifier', () => undefined],
      ['a blank code_verifier', () => ''],
      ['a wrong code_verifier', () => randomBytes(32).toString('base64url')],
      ['the challenge as code_verifier', challengeOf],
      ['the code_verifier in upper case', (verifier) => verifier.toUpperCase()],
      ['the code_verifier and one character more', (verifier) => `${verifier}A`]
    ])('case 22: SM-114: %s gives no token, and the right one still does', async (_what, verifierFrom) => {
      const code = await codeFor(kind)
      await expectCodeRefused(kind, code, { code_verifier: verifierFrom(apps[kind].app.verifier) }, 'invalid_grant')
      expect((await apps[kind].app.redeem(code)).status).toBe(200)
    })
  })

  test.each([
    '/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server',
    '/fhir/clinic/.well-known/smart-configuration'
  ])('case 21: SM-019: %s lists S256 and nothing else', async (path) => {
    const { code_challenge_methods_supported: methods } = JSON.parse(await (await fetch(`${keyward.issuer}${path}`)).text())
    expect(methods).toEqual(['S256'])
  })

  test('case 23: SM-114: an app that has proved who it is needs the code_verifier all the same', async () => {
    await expectCodeRefused('confidential', await codeFor('confidential'), { code_verifier: undefined }, 'invalid_grant')
  })

  describe('without a challenge', () => {
    test.each<[string, Record<string, string>]>([
      ['straight to the callback', {}],
      ['with prompt=none', { prompt: 'none' }],
      ['with prompt=consent', { prompt: 'consent' }],
      ['with prompt=login', { prompt: 'login' }]
    ])('case 24: no path gives a code: %s', async (_what, params) => {
      await expectRequestRefused('public', { ...params, code_challenge: undefined, code_challenge_method: undefined })
    })

    test('case 24: a code_verifier for a code that has no challenge is refused', async () => {
      const kind = engineKind('AuthorizationCode')
      const code = await codeFor('public')
      const stored = await keyward.store.get(kind, code)
      if (!stored) throw new Error('the code is not stored')
      const { codeChallenge, codeChallengeMethod, ...rest } = stored
      expect([codeChallenge, codeChallengeMethod]).toEqual([challengeOf(apps.public.app.verifier), 'S256'])
      await keyward.store.put(kind, code, rest, { expiresAt: Date.now() + 60_000 })
      await expectCodeRefused('public', code, {}, 'invalid_grant')
    })

    test.each(['code_challenge', 'code_challenge_method'])(
      'case 24: a stored interaction that has lost its %s is refused when it is resumed',
      async (name) => {
        await browser.open(apps.public.app.authorizationUrl({ scope: CLINICIAN_SCOPE, prompt: 'consent' }))
        const { action, hidden, checkboxes } = browser.form()
        const body = new URLSearchParams({ ...hidden, decision: 'allow' })
        for (const { value } of checkboxes) body.append('scope', value)
        const response = await browser.send(action, { method: 'POST', body, headers: { Origin: keyward.issuer } })
        const resume = new URL(response.headers.get('Location') ?? '', keyward.issuer)
        const kind = engineKind('Interaction')
        const uid = resume.pathname.split('/').at(-1) ?? ''
        const stored = await keyward.store.get(kind, uid)
        const params = Object.fromEntries(Object.entries(stored?.params ?? {}).filter(([key]) => key !== name))
        await keyward.store.put(kind, uid, { ...stored, params }, { expiresAt: Date.now() + 60_000 })
        expectErrorAt(await refused(keyward, resume.href, { browser }), APP_REDIRECT, 'invalid_request')
      }
    )
  })

  describe('forms', () => {
    const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'
    const verifierOf = (length: number) => characters.repeat(2).slice(0, length)

    test.each([43, 128])('case 25, mistake 23: a code_verifier of %i characters is good', async (length) => {
      const code_verifier = verifierOf(length)
      const code = await codeFor('public', { code_challenge: challengeOf(code_verifier) })
      expect((await apps.public.app.redeem(code, { code_verifier })).status).toBe(200)
    })

    // Malformed: RFC 7636 §4.6 leaves invalid_request and invalid_grant; the engine says the former.
    test.each<[string, string]>([
      ['of 42 characters', verifierOf(42)],
      ['of 1 character', 'A'],
      ['of 129 characters', verifierOf(129)],
      ['with a space', `${verifierOf(42)} `],
      ['with a plus', `${verifierOf(42)}+`],
      ['with a slash', `${verifierOf(42)}/`],
      ['with padding', `${verifierOf(43)}=`],
      ['with a letter that is not ASCII', `${verifierOf(42)}\u00e9`],
      ['with a line break', `${verifierOf(43)}\n`],
      ['with a NUL', `${verifierOf(43)}\0`]
    ])(
      'case 25: SM-092, mistake 23: a code_verifier %s is refused, though its hash is the challenge',
      async (_what, code_verifier) => {
        const code = await codeFor('public', { code_challenge: challengeOf(code_verifier) })
        await expectCodeRefused('public', code, { code_verifier }, 'invalid_request')
      }
    )

    test.each<[string, string]>([
      ['of 42 characters', 'a'.repeat(42)],
      ['of 44 characters', 'a'.repeat(44)],
      ['of 128 characters', 'a'.repeat(128)],
      ['of 129 characters', 'a'.repeat(129)],
      ['with padding', `${'a'.repeat(42)}=`],
      ['in base64', `${'a'.repeat(41)}+/`],
      ['with a tilde', `${'a'.repeat(42)}~`],
      ['with a dot', `${'a'.repeat(42)}.`],
      ['with a line break', `${'a'.repeat(43)}\n`],
      ['in hexadecimal', 'a1'.repeat(32)]
    ])('case 25: a code_challenge %s is an invalid request', async (_what, code_challenge) => {
      await expectRequestRefused('public', { code_challenge })
    })

    test.each([
      ['code_verifier', () => apps.public.app.verifier],
      ['code_verifier', () => 'b'.repeat(43)],
      ['redirect_uri', () => APP_REDIRECT],
      ['code', () => 'kw_ac_other'],
      ['grant_type', () => 'authorization_code'],
      ['client_id', () => 'heart-app']
    ])('case 3: %s twice in a token request is an invalid request', async (name, value) => {
      const { app } = apps.public
      const form = new URLSearchParams({
        grant_type: 'authorization_code',
        code: await codeFor('public'),
        redirect_uri: APP_REDIRECT,
        client_id: 'heart-app',
        code_verifier: app.verifier
      })
      form.append(name, value())
      const response = await fetch(`${keyward.issuer}/token`, { method: 'POST', body: form })
      expect({ status: response.status, body: await response.json() }).toMatchObject({
        status: 400,
        body: { error: 'invalid_request' }
      })
    })
  })
})
