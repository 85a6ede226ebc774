import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import { freePort } from '../harness/free-port.ts'
import { type Keyward, newSecrets, startKeyward, type TestSecrets } from '../harness/keyward.ts'
import { post } from '../harness/on-pages.ts'
import { withoutSecondFactor } from '../harness/visit.ts'

interface SetCookie {
  name: string
  line: string
  attributes: string[]
}

// Cookies have nothing to do with the store. Behind a proxy that ends TLS: the issuer is https, what arrives is http.
describe('cookies of an https issuer', () => {
  const running: Keyward[] = []
  afterEach(async () => {
    for (const keyward of running.splice(0)) await keyward.stop()
  })

  async function start(secrets?: TestSecrets, storeUrl?: string, port?: number): Promise<Keyward> {
    const keyward = await startKeyward({
      port: port ?? (await freePort()),
      change: (config) => ({ ...withoutSecondFactor(config), issuer: config.issuer.replace('http:', 'https:') }),
      ...(secrets ? { secrets } : {}),
      ...(storeUrl ? { storeUrl } : {})
    })
    running.push(keyward)
    return keyward
  }

  /** A browser that speaks https as far as it knows, and every Set-Cookie that it was sent. */
  function secureBrowser(keyward: Keyward) {
    const browser = newBrowser(keyward.issuer)
    const seen: SetCookie[] = []
    const send = async (url: string, init?: RequestInit): Promise<Response> => {
      const answer = await browser.send(url.replace('https:', 'http:'), init)
      for (const line of answer.headers.getSetCookie()) {
        const [pair = '', ...attributes] = line.split(/; */)
        seen.push({ name: pair.slice(0, pair.indexOf('=')), line, attributes: attributes.map((one) => one.toLowerCase()) })
      }
      return answer
    }
    async function follow(first: Response): Promise<{ url: string; html: string; status: number }> {
      let answer = first
      for (let hops = 0; hops < 10; hops++) {
        const location = answer.headers.get('location')
        if (location === null) break
        const target = new URL(location, keyward.issuer)
        if (target.origin !== keyward.issuer) return { url: target.href, html: '', status: answer.status }
        answer = await send(target.href)
      }
      return { url: answer.url, html: await answer.text(), status: answer.status }
    }
    const open = async (url: string) => follow(await send(url))
    async function submit(page: { url: string; html: string }, fields: Record<string, string>) {
      browser.page = { ...page, status: 200, headers: new Headers(), step: '' }
      const form = browser.form()
      const body = new URLSearchParams({ ...form.hidden, ...fields })
      return follow(await send(form.action, { method: 'POST', body, headers: { Origin: keyward.issuer } }))
    }
    return { seen, open, submit, browser }
  }

  async function signIn(keyward: Keyward) {
    const one = secureBrowser(keyward)
    const login = await one.open(newApp(keyward.issuer).authorizationUrl())
    const patient = await one.submit(login, { username: 'maria', password: PASSWORD })
    const consent = await one.submit(patient, { patient: 'leo' })
    const end = await one.submit(consent, { decision: 'allow', duration: 'today' })
    expect(end.url).toContain('code=')
    return one
  }

  test('case 122: every cookie is bound to us, to https and to our pages, and is small', async () => {
    const keyward = await start()
    const { seen } = await signIn(keyward)
    const names = [...new Set(seen.map(({ name }) => name))].sort()
    expect(names).toEqual([
      '__Host-keyward_browser',
      '__Host-keyward_session',
      '__Host-keyward_session.sig',
      '__Secure-keyward_interaction',
      '__Secure-keyward_interaction.sig',
      '__Secure-keyward_resume',
      '__Secure-keyward_resume.sig'
    ])
    for (const { name, line, attributes } of seen) {
      expect(attributes, name).toEqual(expect.arrayContaining(['secure', 'httponly', 'samesite=lax']))
      expect(
        attributes.filter((one) => one.startsWith('domain')),
        name
      ).toEqual([])
      // RFC 6265bis §4.1.3.2: of __Host- a browser takes nothing but the whole host.
      if (name.startsWith('__Host-')) expect(attributes, name).toContain('path=/')
      else
        expect(
          attributes.find((one) => one.startsWith('path=')),
          name
        ).not.toBe('path=/')
      expect(Buffer.byteLength(line), name).toBeLessThan(4096)
    }
  })

  test('case 122: what names a session outlives neither the browser nor its own time', async () => {
    const keyward = await start()
    const { seen } = await signIn(keyward)
    for (const { name, attributes } of seen.filter((one) => one.name.startsWith('__Host-keyward_session')))
      expect(
        attributes.filter((one) => one.startsWith('expires') || one.startsWith('max-age')),
        name
      ).toEqual([])
  })

  test('case 122, case 148: with a new key in front, cookies of the old one stay good until it is taken away', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keyward-cookies-'))
    const storeUrl = `sqlite:${join(folder, 'keyward.db')}`
    const port = await freePort()
    const secrets = newSecrets()
    const { browser } = await signIn(await start(secrets, storeUrl, port))
    const old = newBrowser(browser.page.url)
    old.cookies.push(...browser.cookies)

    async function accountPageWith(cookieKeys: string[], one: Browser): Promise<number> {
      await running.pop()?.stop()
      const { issuer } = await start({ ...secrets, cookieKeys }, storeUrl, port)
      return (await one.send(`${issuer.replace('https:', 'http:')}/account`)).status
    }
    const newKeys = newSecrets().cookieKeys
    expect(await accountPageWith([...newKeys, ...secrets.cookieKeys], browser)).toBe(200)
    // Seen once, the cookie was signed anew. One that was not is worth nothing any more: to the sign-in page.
    expect(await accountPageWith(newKeys, browser)).toBe(200)
    expect(await accountPageWith(newKeys, old)).toBe(303)
    rmSync(folder, { recursive: true, force: true })
  })
})

test('case 122: a form without its cookie is refused', async () => {
  const keyward = await startKeyward({ change: withoutSecondFactor })
  const browser = newBrowser(keyward.issuer)
  await browser.open(newApp(keyward.issuer).authorizationUrl())
  const form = browser.form()
  browser.cookies.splice(0, browser.cookies.length, ...browser.cookies.filter(({ name }) => name !== 'keyward_browser'))
  expect((await post(browser, form, { username: 'maria', password: PASSWORD })).status).toBe(403)
  await keyward.stop()
})
