import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AppClient, newApp } from '../harness/app-client.ts'
import type { Browser } from '../harness/browser.ts'
import { SECRETS } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { allowedBrowser, CLINICIAN_SCOPE, expectPageWithoutRedirect, paramsOf, recordsOf, refused } from '../harness/refusals.ts'

const LAB = 'https://lab.example/cb'
const LOOPBACK = 'http://127.0.0.1/cb'

describe.each(STORES)('redirect_uri on %s', (store) => {
  let keyward: Keyward
  let lab: AppClient
  let small: AppClient
  /** Signed in, and everything allowed to the lab app: nothing but the redirect_uri can be what is refused. */
  let browser: Browser
  beforeAll(async () => {
    keyward = await startKeyward({ store })
    expect(await storeOf(keyward.issuer)).toBe(store)
    lab = newApp(keyward.issuer, { clientId: 'lab-app', redirectUri: LAB, secret: SECRETS['lab-app'] })
    small = newApp(keyward.issuer, { clientId: 'small-app', redirectUri: LOOPBACK })
    browser = await allowedBrowser(keyward, lab)
  })
  afterAll(() => keyward.stop())

  /** A parameter as it stands in the address, percent-encoding and all. */
  const withRaw = (app: AppClient, raw: string) =>
    `${app.authorizationUrl({ scope: CLINICIAN_SCOPE, redirect_uri: undefined })}&redirect_uri=${raw}`

  async function expectNotMatched(app: AppClient, clientId: string, redirectUri: string): Promise<void> {
    const url = withRaw(app, encodeURIComponent(redirectUri))
    expectPageWithoutRedirect(await refused(keyward, url, { browser, clientId }))
  }

  test('the registered one gets the code', async () => {
    const response = await browser.send(withRaw(lab, encodeURIComponent(LAB)))
    expect(response.headers.get('Location')).toMatch(/^https:\/\/lab\.example\/cb\?code=/)
  })

  test.each([
    '/..%2F',
    '/%2e%2e/',
    '/%2E%2E%2F',
    '/%252e%252e/',
    '/%252e%252e%252f',
    '/../evil',
    '/./',
    '//',
    '/;/../../evil',
    '/..;/',
    ';/../evil',
    '/..\\evil',
    '/%5C..%5Cevil',
    '/%0A%0D/../evil',
    '/%0d%0aLocation:%20https://evil.example',
    '/%00/../evil',
    '/%09/../evil',
    '/..%c0%af..%c0%afevil',
    '/..%ef%bc%8fevil',
    '/\u2024\u2024/evil',
    '/%u002e%u002e/evil',
    '/.%00./evil',
    '%2f..%2fcb'
  ])('case 13: SM-066, SM-083: the registered path with %j after it is not the registered one', async (confusion) => {
    await expectNotMatched(lab, 'lab-app', `${LAB}${confusion}`)
    // And as somebody would put it into an address by hand, decoded once on its way.
    if (!/[^\x20-\x7e]/.test(confusion) && !confusion.includes('%u') && URL.canParse(`${LAB}${confusion}`)) {
      expectPageWithoutRedirect(await refused(keyward, withRaw(lab, `${LAB}${confusion}`.replaceAll('\\', '%5C')), { browser }))
    }
  })

  test.each([
    ['a user name', 'https://user@lab.example/cb'],
    ['the host as a user name', 'https://lab.example@evil.example/cb'],
    ['several @', 'https://lab.example@evil.example@lab.example/cb'],
    ['a user name and a password', 'https://lab.example:443@evil.example/cb'],
    ["the scheme's own port", 'https://lab.example:443/cb'],
    ['another port', 'https://lab.example:8443/cb'],
    ['upper case in the scheme', 'HTTPS://lab.example/cb'],
    ['upper case in the host', 'https://LAB.example/cb'],
    ['upper case in the path', 'https://lab.example/CB'],
    ['a dot after the host', 'https://lab.example./cb'],
    ['a dot after the path', 'https://lab.example/cb.'],
    ['a trailing slash', 'https://lab.example/cb/'],
    ['a missing path', 'https://lab.example/'],
    ['an added query', 'https://lab.example/cb?next=https://evil.example'],
    ['an empty query', 'https://lab.example/cb?'],
    ['a code of its own', 'https://lab.example/cb?code=attacker'],
    ['a fragment', 'https://lab.example/cb#evil'],
    ['an empty fragment', 'https://lab.example/cb#'],
    ['a backslash for the slash', 'https://lab.example\\cb'],
    ['a backslash before another host', 'https://evil.example\\@lab.example/cb'],
    ['a tab', 'https://lab.example/c\tb'],
    ['a tab at the end', 'https://lab.example/cb\t'],
    ['a space before it', ' https://lab.example/cb'],
    ['a line break at the end', 'https://lab.example/cb\r\n'],
    ['%00', 'https://lab.example/cb%00'],
    ['a NUL', 'https://lab.example/cb\0'],
    ['a percent-encoded letter', 'https://lab.example/%63b'],
    ['a look-alike letter in the host', 'https://l\u0430b.example/cb'],
    ['a look-alike host in Punycode', 'https://xn--lb-7kc.example/cb'],
    ['full-width letters', 'https://\uff4c\uff41\uff42.example/cb'],
    ['an ideographic full stop', 'https://lab\u3002example/cb'],
    ['a soft hyphen', 'https://la\u00adb.example/cb'],
    ['a host below the registered one', 'https://evil.lab.example/cb'],
    ['a host that begins like it', 'https://lab.example.evil.example/cb'],
    ['http for https', 'http://lab.example/cb'],
    ['no scheme', '//lab.example/cb'],
    ['another scheme', 'javascript:alert(1)//https://lab.example/cb'],
    ['the redirect_uri of another app', 'http://localhost:9002/app']
  ])('case 14: SM-066, SM-083: %s is not the registered redirect_uri', async (_what, redirectUri) => {
    await expectNotMatched(lab, 'lab-app', redirectUri)
  })

  test.each([
    '?code=attacker',
    '?code=attacker&state=x',
    '?x=1&code=attacker',
    '#code=attacker',
    '%3Fcode=attacker',
    '?iss=x&code=a'
  ])(
    'case 17: %s after the registered redirect_uri matches nothing, so no code of somebody else reaches the app',
    async (added) => {
      await expectNotMatched(lab, 'lab-app', `${LAB}${added}`)
    }
  )

  test('case 17: code=attacker beside the parameters is not in what the app is sent', async () => {
    const response = await browser.send(`${withRaw(lab, encodeURIComponent(LAB))}&code=attacker&iss=attacker`)
    const { searchParams } = new URL(response.headers.get('Location') ?? '')
    expect(searchParams.getAll('code')).toEqual([expect.stringMatching(/^kw_ac_/)])
    expect(searchParams.getAll('iss')).toEqual([keyward.issuer])
  })

  describe('a loopback address of a native app', () => {
    test.each(['http://127.0.0.1:1/cb', 'http://127.0.0.1:49152/cb', 'http://127.0.0.1:65535/cb', LOOPBACK])(
      'case 16: %s goes on, and its errors come back there',
      async (redirectUri) => {
        const url = small.authorizationUrl({ redirect_uri: redirectUri, prompt: 'none' })
        const { status, location, params } = await refused(keyward, url, { clientId: 'small-app' })
        expect({ status, at: location?.split('?')[0] }).toEqual({ status: 303, at: redirectUri })
        expect(params.error).toBe('login_required')
      }
    )

    test.each([
      ['a host that begins like localhost', 'http://localhost.evil/cb'],
      ['a host that begins like the address', 'http://127.0.0.1.evil/cb'],
      ['the address as a user name', 'http://127.0.0.1@evil.example/cb'],
      ['the address and a port as a user name', 'http://127.0.0.1:5000@evil.example/cb'],
      ['a user name', 'http://user@127.0.0.1:5000/cb'],
      ['a backslash and another host', 'http://127.0.0.1:5000\\@evil.example/cb'],
      ['another path', 'http://127.0.0.1:5000/other'],
      ['a trailing slash', 'http://127.0.0.1:5000/cb/'],
      ['an added query', 'http://127.0.0.1:5000/cb?x=1'],
      ['a fragment', 'http://127.0.0.1:5000/cb#x'],
      ['https', 'https://127.0.0.1:5000/cb'],
      ['upper case in the scheme', 'HTTP://127.0.0.1:5000/cb'],
      ['the name of the address', 'http://localhost:5000/cb'],
      ['the address of version 6', 'http://[::1]:5000/cb'],
      ['another loopback address', 'http://127.0.0.2:5000/cb'],
      ['every address', 'http://0.0.0.0:5000/cb'],
      ['the address in short', 'http://127.1:5000/cb'],
      ['the address as one number', 'http://2130706433:5000/cb'],
      ['the address in hexadecimal', 'http://0x7f.0.0.1:5000/cb'],
      ['a port that is none', 'http://127.0.0.1:65536/cb'],
      ['a tab in the port', 'http://127.0.0.1:50\t00/cb'],
      ['a plain http host', 'http://evil.example/cb']
    ])('case 16: %s is not the registered one', async (_what, redirectUri) => {
      await expectNotMatched(small, 'small-app', redirectUri)
    })

    test('case 16: an app that is not native keeps to the port that it registered', async () => {
      await expectNotMatched(newApp(keyward.issuer), 'heart-app', 'http://localhost:9003/app')
    })
  })

  describe('at the token endpoint', () => {
    // Missing: RFC 6749 §5.2 calls a missing parameter invalid_request, where the case table has invalid_grant for all.
    test.each<[string, string | undefined, string]>([
      ['another registered nowhere', 'https://evil.example/cb', 'invalid_grant'],
      ['one with a trailing slash', `${LAB}/`, 'invalid_grant'],
      ['one in upper case', 'https://LAB.example/cb', 'invalid_grant'],
      ['one with a query', `${LAB}?x=1`, 'invalid_grant'],
      ['an empty one', '', 'invalid_request'],
      ['none', undefined, 'invalid_request']
    ])('case 18: SM-109: %s gives no token, and the code is left to who asked for it', async (_what, redirect_uri, error) => {
      const { code = '' } = paramsOf((await browser.send(withRaw(lab, LAB))).headers.get('Location') ?? '')
      const { done, records } = await recordsOf(keyward, () => lab.redeem(code, { redirect_uri }))
      expect({ status: done.status, error: done.body.error, token: done.body.access_token }).toEqual({ status: 400, error })
      expect(records).toMatchObject([{ event: { type: 'token', outcome: 'refused', clientId: 'lab-app' } }])
      expect((await lab.redeem(code)).status).toBe(200)
    })

    test("case 18: the other of an app's own two gives no token", async () => {
      const [first, second] = ['http://localhost:9005/cb', 'http://localhost:9005/cb2']
      const app = newApp(keyward.issuer, { clientId: 'second-app', redirectUri: first })
      await allowedBrowser(keyward, app, browser)
      const answer = await browser.send(app.authorizationUrl({ scope: CLINICIAN_SCOPE }))
      const { code = '' } = paramsOf(answer.headers.get('Location') ?? '')
      expect((await app.redeem(code, { redirect_uri: second })).body.error).toBe('invalid_grant')
      expect((await app.redeem(code)).status).toBe(200)
    })

    test('case 18: another port of a loopback address is another redirect_uri', async () => {
      const app = newApp(keyward.issuer, { clientId: 'small-app', redirectUri: 'http://127.0.0.1:50001/cb' })
      await allowedBrowser(keyward, app, browser)
      const answer = await browser.send(app.authorizationUrl({ scope: CLINICIAN_SCOPE }))
      const { code = '' } = paramsOf(answer.headers.get('Location') ?? '')
      expect((await app.redeem(code, { redirect_uri: 'http://127.0.0.1:50002/cb' })).body.error).toBe('invalid_grant')
      expect((await app.redeem(code, { redirect_uri: LOOPBACK })).body.error).toBe('invalid_grant')
      expect((await app.redeem(code)).status).toBe(200)
    })
  })
})
