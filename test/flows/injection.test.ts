/** Case 142: line ends, terminal escapes and JSON in what anybody may send stay inside one line of the log and one audit record. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exportLine } from '../../src/audit/read.ts'
import { authorize, basic, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { APP_REDIRECT } from '../harness/clinic-config.ts'
import { ehrBearer } from '../harness/ehr.ts'
import { openRequest, sendRaw } from '../harness/half-request.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { newWalk } from '../harness/walk.ts'

const FORGED = '{"level":"info","msg":"sign-in accepted"}'
const PAYLOADS: [string, string][] = [
  ['CR LF', `maria\r\n${FORGED}`],
  ['LF', `maria\n${FORGED}`],
  ['CR', `maria\r${FORGED}`],
  ['ANSI', 'maria\u001b[2J\u001b[1;31mroot\u001b[0m'],
  ['JSON', `maria","level":"fatal","forged":"yes`],
  ['a separator of lines', `maria\u2028${FORGED}\u0085${FORGED}`],
  ['a turn of the writing direction', 'maria\u202eniamda'],
  ['backspaces', 'maria\b\b\b\b\badmin'],
  ['a format', 'maria %s %o %d %j %c']
]
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
const RAW = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/

describe.each(STORES)('case 142: on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({
      store,
      change: (config) => ({
        ...config,
        clients: config.clients.map((client) =>
          client.client_id === 'second-app' ? { ...client, client_name: `Second\r\n${FORGED}\u001b[2J App` } : client
        )
      })
    })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward.stop())

  /** What was logged and recorded meanwhile: whole lines of JSON, nothing else, each record one line of an export. */
  async function writtenDuring(act: () => Promise<unknown>): Promise<{ lines: Record<string, unknown>[]; exported: string[] }> {
    const from = keyward.log.length
    const before = (await keyward.audit()).length
    await act()
    await expect.poll(() => keyward.log.length).toBeGreaterThan(from)
    const chunks = keyward.log.slice(from)
    for (const chunk of chunks) {
      expect(chunk.indexOf('\n')).toBe(chunk.length - 1)
      expect(chunk).not.toMatch(RAW)
    }
    const lines = chunks.map((chunk): Record<string, unknown> => JSON.parse(chunk))
    for (const line of lines) {
      expect(line).not.toHaveProperty('forged')
      expect(line.msg).not.toBe('sign-in accepted')
    }
    const exported = (await keyward.audit()).slice(before).map(exportLine)
    for (const line of exported) {
      expect(line).not.toMatch(RAW)
      expect(line).not.toContain('\n')
    }
    return { lines, exported }
  }

  test.each(PAYLOADS)('%s in the user name', async (_what, payload) => {
    const walk = newWalk(keyward.issuer)
    await walk.start()
    const { lines, exported } = await writtenDuring(() => walk.send({ username: payload, password: payload }))
    expect(lines.filter(({ msg }) => msg === 'request')).toHaveLength(1)
    expect(exported).toHaveLength(1)
    expect(exported[0]).not.toContain('maria')
  })

  test.each(PAYLOADS)('%s in state, and in scope', async (_what, payload) => {
    const app = newApp(keyward.issuer)
    const refused = await writtenDuring(() =>
      fetch(app.authorizationUrl({ state: payload, scope: payload, aud: payload }), { redirect: 'manual' })
    )
    expect(refused.lines.filter(({ msg }) => msg === 'request')).toHaveLength(1)
    expect(refused.exported).toHaveLength(1)
    expect(refused.exported[0]).not.toContain('maria')
  })

  test.each(PAYLOADS)('%s in state, which comes back as it was sent', async (_what, payload) => {
    const browser = newBrowser(keyward.issuer)
    const app = newApp(keyward.issuer)
    await browser.open(app.authorizationUrl({ state: payload }))
    expect(browser.page.step).toBe('login')
    const denied = await fetch(app.authorizationUrl({ state: payload, aud: 'https://evil.example' }), { redirect: 'manual' })
    const location = denied.headers.get('location') ?? ''
    expect(location).toMatch(new RegExp(`^${APP_REDIRECT}\\?`))
    expect(new URL(location).searchParams.get('state')).toBe(payload)
  })

  test.each(PAYLOADS)('%s in client_id and its secret', async (_what, payload) => {
    const bearer = await ehrBearer(keyward.issuer)
    const { exported } = await writtenDuring(async () => {
      await fetch(`${keyward.issuer}/token`, {
        method: 'POST',
        headers: { Authorization: basic(payload, payload) },
        body: new URLSearchParams({ grant_type: payload, code: payload })
      })
      await fetch(`${keyward.issuer}/launch`, {
        method: 'POST',
        headers: { Authorization: bearer, 'Content-Type': 'application/json' },
        body: JSON.stringify({ client_id: payload, fhirServer: 'clinic' })
      })
    })
    expect(exported).toHaveLength(2)
  })

  test.each(['\u001b[2J\u001b[31m', `","level":"fatal","forged":"yes`, `${FORGED}\t%s`, '\u0085\u009b31m'])(
    '%j in the User-Agent',
    async (payload) => {
      const { host, port } = new URL(keyward.issuer)
      const head = `GET /interaction/x/login HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: ${payload}\r\nReferer: ${payload}\r\nConnection: close\r\n\r\n`
      // Node refuses what no header may hold; the rest reaches the log.
      const sent = async (): Promise<unknown> => (await openRequest(Number(port), Buffer.from(head, 'latin1'))).finish('')
      await sent()
      await writtenDuring(async () => {
        await sent()
        await fetch(`${keyward.issuer}/jwks`)
      })
    }
  )

  test.each(PAYLOADS)('%s in the path', async (_what, payload) => {
    const { lines } = await writtenDuring(() => fetch(`${keyward.issuer}/${encodeURIComponent(payload)}`))
    expect(lines).toHaveLength(1)
  })

  test('a header can not be split by a line end in it', async () => {
    const { host, port } = new URL(keyward.issuer)
    const query = 'client_id=heart-app&state=a%0d%0aSet-Cookie:%20x=1&redirect_uri=http://localhost:9002/app%0d%0aX-Evil:%201'
    const { answer } = await sendRaw(
      Number(port),
      `GET /authorize?${query} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
    )
    expect(answer).not.toMatch(/^(set-cookie: x=1|x-evil)/im)
  })

  test('client_name: shown as text, recorded nowhere but by its id', async () => {
    const browser = newBrowser(keyward.issuer)
    const app = newApp(keyward.issuer, { clientId: 'second-app', redirectUri: 'http://localhost:9005/cb' })
    const { exported } = await writtenDuring(() => authorize(browser, app.authorizationUrl()))
    expect(exported.length).toBeGreaterThan(3)
    for (const line of exported) expect(line).not.toContain('sign-in accepted')
    expect(exported.filter((line) => line.includes('"type":"consent"'))).toHaveLength(1)
  })
})
