import { createHmac } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readForm } from '../../../src/web/form.ts'
import { render } from '../../../src/web/render.ts'
import type { Served } from './app.ts'
import { ask, BROWSER, FORM, serve } from './app.ts'

describe('csrf', () => {
  let served: Served
  let changes: string[]
  beforeEach(async () => {
    changes = []
    served = await serve({
      routes: [
        async (ctx) => {
          if (ctx.method !== 'POST') return render(ctx, 'form', {})
          changes.push((await readForm(ctx, ['choice'])).choice)
          ctx.status = 204
        }
      ]
    })
  })
  afterEach(() => served.close())

  /** What a browser holds after it opened the page. */
  async function open(): Promise<{ cookie: string; token: string; setCookie: string }> {
    const page = await ask(served, '/interaction/1/login')
    const [setCookie = ''] = page.headers['set-cookie'] ?? []
    return { setCookie, cookie: setCookie.split(';')[0] ?? '', token: /value="([^"]*)"/.exec(page.text)?.[1] ?? '' }
  }

  const post = (path: string, headers: Record<string, string>, token: string | undefined) =>
    ask(served, path, {
      method: 'POST',
      headers: { ...FORM, ...BROWSER, ...headers },
      body: token === undefined ? 'choice=a' : `choice=a&csrf=${token}`
    })

  test('a form with its own token is taken, again and again, and keeps its cookie', async () => {
    const { cookie, token, setCookie } = await open()
    expect(setCookie).toMatch(/^keyward_browser=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)
    const headers = { Cookie: cookie, Origin: served.issuer, 'Sec-Fetch-Site': 'same-origin' }
    expect((await post('/interaction/1/login', headers, token)).status).toBe(204)
    expect((await post('/account/stop', { Cookie: cookie }, token)).status).toBe(204)
    expect(changes).toEqual(['a', 'a'])
    expect((await ask(served, '/account', { headers: { Cookie: cookie } })).headers).not.toHaveProperty('set-cookie')
  })

  test.each([
    '/interaction/1/login',
    '/interaction/1/mfa',
    '/interaction/1/consent',
    '/account',
    '/account/sign-out',
    '/ACCOUNT/stop'
  ])('case 92: %s refuses what another site could send, and changes nothing', async (path) => {
    const { cookie, token } = await open()
    const other = await open()
    const rows: [string, Record<string, string>, string | undefined][] = [
      ['no-token', { Cookie: cookie }, undefined],
      ['no-token', { Cookie: cookie }, ''],
      ['no-token', {}, token],
      ['no-token', { Cookie: 'keyward_browser=short' }, token],
      ['wrong-token', { Cookie: cookie }, other.token],
      ['wrong-token', { Cookie: cookie }, `${token}x`],
      ['other-site', { Cookie: cookie, 'Sec-Fetch-Site': 'cross-site' }, token],
      ['other-site', { Cookie: cookie, 'Sec-Fetch-Site': 'same-site' }, token],
      ['other-origin', { Cookie: cookie, Origin: 'https://evil.example' }, token],
      ['other-origin', { Cookie: cookie, Origin: 'null' }, token],
      ['other-origin', { Cookie: cookie, Origin: `${served.issuer}.evil.example` }, token]
    ]
    for (const [, headers, sent] of rows) {
      const answer = await post(path, headers, sent)
      expect(answer.status).toBe(403)
      expect(answer.text).toContain('Heading csrf')
    }
    expect(served.refused).toEqual(rows.map(([reason]) => reason))
    expect(changes).toEqual([])
  })

  test.each(['PUT', 'DELETE', 'PATCH'])('case 92: %s without a token is refused too', async (method) => {
    expect((await ask(served, '/account', { method, headers: FORM })).status).toBe(403)
  })

  test('case 92: by GET nothing is changed', async () => {
    const { cookie, token } = await open()
    await ask(served, `/interaction/1/consent?choice=a&csrf=${token}`, { headers: { Cookie: cookie } })
    expect(changes).toEqual([])
  })

  test('a token made with a key that was rotated out of the first place is still taken', async () => {
    const { cookie } = await open()
    const made = (key: string) =>
      createHmac('sha256', key)
        .update(`csrf${cookie.split('=')[1]}`)
        .digest('base64url')
    expect((await post('/account/stop', { Cookie: cookie }, made('previous'))).status).toBe(204)
    expect((await post('/account/stop', { Cookie: cookie }, made('unknown'))).status).toBe(403)
  })

  test('paths outside are left alone: programs post there', async () => {
    expect((await post('/token', { Origin: 'https://app.example' }, undefined)).status).toBe(204)
    expect((await post('/accounts', {}, undefined)).status).toBe(204)
  })

  test('over https the cookie belongs to this host alone', async () => {
    await served.close()
    served = await serve({ issuer: 'https://auth.example', routes: [async (ctx) => render(ctx, 'form', {})] })
    const page = await ask(served, '/account', { headers: { Host: 'auth.example' } })
    expect(page.headers['set-cookie']).toEqual([
      expect.stringMatching(/^__Host-keyward_browser=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
    ])
  })
})
