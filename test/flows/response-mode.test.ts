/** Case 12: a code travels in the query of a redirect, and in nothing else; so do errors. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AppClient, newApp } from '../harness/app-client.ts'
import type { Browser } from '../harness/browser.ts'
import { APP_REDIRECT } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { allowedBrowser, CLINICIAN_SCOPE, expectErrorAt, refused } from '../harness/refusals.ts'

const MARKUP = '"><script>alert(1)</script>&<!--'

describe.each(STORES)('response_mode on %s', (store) => {
  let keyward: Keyward
  let app: AppClient
  let browser: Browser
  beforeAll(async () => {
    keyward = await startKeyward({ store })
    expect(await storeOf(keyward.issuer)).toBe(store)
    app = newApp(keyward.issuer)
    browser = await allowedBrowser(keyward, app)
  })
  afterAll(() => keyward?.stop())

  const url = (params: Record<string, string>) => app.authorizationUrl({ scope: CLINICIAN_SCOPE, ...params })

  const unknown = ['web_message', 'jwt', 'query.jwt', 'form_post.jwt', 'QUERY', 'no-such-mode', MARKUP]
  test.each([
    ['form_post', 'invalid_request'],
    ['fragment', 'invalid_request'],
    // As the engine names it.
    ...unknown.map((mode): [string, string] => [mode, 'unsupported_response_mode'])
  ])('case 12, mistake 16: %s gives no code: the error is in the query', async (response_mode, error) => {
    const answer = await refused(keyward, url({ response_mode, state: MARKUP }), { browser, clientId: 'heart-app' })
    expectErrorAt(answer, APP_REDIRECT, error)
    const { searchParams, hash } = new URL(answer.location ?? '')
    expect({ hash, state: searchParams.get('state') }).toEqual({ hash: '', state: MARKUP })
    expect(answer.html).not.toContain('<script>')
  })

  test.each<Record<string, string>>([{}, { response_mode: 'query' }])(
    'case 12, mistake 16: with %j the code is in the query',
    async (params) => {
      const answer = await browser.send(url(params))
      const { searchParams, hash } = new URL(answer.headers.get('location') ?? '')
      expect({ status: answer.status, hash }).toEqual({ status: 303, hash: '' })
      expect(searchParams.get('code')).toMatch(/^kw_ac_/)
    }
  )

  test.each(['form_post', 'fragment'])(
    'case 12: %s on an address that is not registered is a page, and no way out',
    async (mode) => {
      const redirect_uri = 'https://evil.example/cb'
      const answer = await browser.send(url({ response_mode: mode, redirect_uri, state: MARKUP }))
      const html = await answer.text()
      expect({ status: answer.status, location: answer.headers.get('location') }).toEqual({ status: 400, location: null })
      expect(html).not.toContain('<script>alert')
      expect(html).not.toContain('evil.example')
    }
  )

  test('case 12: only query is announced', async () => {
    const document = await fetch(`${keyward.issuer}/.well-known/openid-configuration`)
    const { response_modes_supported: modes = ['query', 'fragment'] } = JSON.parse(await document.text())
    expect(modes).toEqual(['query'])
  })
})
