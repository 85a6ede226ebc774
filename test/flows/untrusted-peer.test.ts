/** Case 128: what anybody can write into a request is not believed: not for limits, audit, certificates, issuer or links. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorize, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { sendRaw } from '../harness/half-request.ts'
import { type Keyward, startKeyward } from '../harness/keyward.ts'

const FORGED: [string, Record<string, string>][] = [
  ['X-Forwarded-For', { 'X-Forwarded-For': '203.0.113.9' }],
  ['X-Forwarded-For with several hops', { 'X-Forwarded-For': '203.0.113.9, 127.0.0.1' }],
  ['X-Forwarded-Proto', { 'X-Forwarded-Proto': 'https' }],
  ['X-Forwarded-Host', { 'X-Forwarded-Host': 'evil.example' }],
  ['X-Forwarded-Port', { 'X-Forwarded-Port': '443' }],
  ['X-Forwarded-Prefix', { 'X-Forwarded-Prefix': '/evil' }],
  ['Forwarded', { Forwarded: 'for=203.0.113.9;proto=https;host=evil.example' }],
  ['X-Real-IP', { 'X-Real-IP': '203.0.113.9' }],
  ['True-Client-IP', { 'True-Client-IP': '203.0.113.9' }],
  ['X-Client-IP', { 'X-Client-IP': '203.0.113.9' }],
  ['X-Original-URL', { 'X-Original-URL': '/account' }],
  ['X-Original-Host', { 'X-Original-Host': 'evil.example' }],
  ['X-SSL-Client-Cert', { 'X-SSL-Client-Cert': 'MIIB', 'X-SSL-Client-Verify': 'SUCCESS', 'X-SSL-Client-S-DN': 'CN=lab-app' }],
  ['SSL-Client-Cert', { 'SSL-Client-Cert': 'MIIB', 'SSL-Client-Verify': 'SUCCESS' }],
  ['Client-Cert', { 'Client-Cert': ':MIIB:', 'Client-Cert-Chain': ':MIIB:' }],
  ['X-Client-Cert', { 'X-Client-Cert': 'MIIB', 'X-Client-DN': 'CN=lab-app' }],
  ['X-Forwarded-Client-Cert', { 'X-Forwarded-Client-Cert': 'Hash=00;Subject="CN=lab-app"' }],
  ['X-HTTP-Method-Override', { 'X-HTTP-Method-Override': 'DELETE' }]
]

describe('case 128: headers of an untrusted peer', () => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward()
  })
  afterAll(() => keyward.stop())

  test.each(FORGED)('%s changes nothing in issuer, links, cookies, audit, and proves no client', async (_what, forged) => {
    const { issuer } = keyward
    const plain = await fetch(`${issuer}/.well-known/openid-configuration`)
    const discovery = await fetch(`${issuer}/.well-known/openid-configuration`, { headers: forged })
    expect(await discovery.text()).toBe(await plain.text())
    expect(discovery.headers.get('strict-transport-security')).toBeNull()

    const redirect = await fetch(newApp(issuer).authorizationUrl(), { headers: forged, redirect: 'manual' })
    expect(redirect.status).toBe(303)
    expect(new URL(redirect.headers.get('location') ?? '', issuer).origin).toBe(issuer)
    for (const cookie of redirect.headers.getSetCookie()) expect(cookie).not.toMatch(/;\s*(secure|domain)/i)
    const account = await fetch(`${issuer}/account`, { headers: forged, redirect: 'manual' })
    expect(account.headers.get('location')).toMatch(`${issuer}/authorize?`)

    const before = (await keyward.audit()).length
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'lab-app' })
    const token = await fetch(`${issuer}/token`, { method: 'POST', headers: forged, body })
    expect({ status: token.status, body: await token.json() }).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    const [record, ...more] = (await keyward.audit()).slice(before)
    expect(more).toEqual([])
    expect(record?.source.address).toBe('127.0.0.1')
    expect(JSON.stringify(record)).not.toMatch(/203\.0\.113\.9|evil/)
    expect(keyward.log.join('')).not.toMatch(/203\.0\.113\.9|evil\.example/)
  })

  test('a whole launch under forged headers: iss, links and audit name the server itself', async () => {
    const browser = newBrowser(keyward.issuer)
    const forged = { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https' }
    const send = browser.send
    browser.send = (url, init = {}) => send(url, { ...init, headers: { ...init.headers, ...forged } })
    const app = newApp(keyward.issuer)
    const callback = await authorize(browser, app.authorizationUrl())
    expect(new URL(callback.url).searchParams.get('iss')).toBe(keyward.issuer)
    expect((await app.redeem(app.codeFrom(callback))).status).toBe(200)
    expect(new Set((await keyward.audit()).map(({ source }) => source.address))).toEqual(new Set(['127.0.0.1', 'keyward']))
  })

  const odd: [string, (host: string) => string[]][] = [
    ['another', () => ['Host: evil.example']],
    ['ours without its port', () => ['Host: localhost']],
    ['ours with another port', () => ['Host: localhost:1']],
    ['a user name before ours', (host) => [`Host: user@${host}`]],
    ['a path after ours', (host) => [`Host: ${host}/evil`]],
    ['ours as a part of another', (host) => [`Host: ${host}.evil.example`]],
    ['an empty one', () => ['Host: ']],
    ['none', () => []],
    ['two, ours first', (host) => [`Host: ${host}`, 'Host: evil.example']],
    ['two, ours last', (host) => ['Host: evil.example', `Host: ${host}`]],
    ['spaces', () => ['Host: a b']],
    ['half an address', () => ['Host: [::1']]
  ]
  test.each(odd)('Host: %s is refused with 400', async (_what, hosts) => {
    const { host, port } = new URL(keyward.issuer)
    for (const path of ['/authorize', '/token', '/.well-known/openid-configuration']) {
      const lines = [`GET ${path} HTTP/1.1`, ...hosts(host), 'Connection: close', '', '']
      const { status, answer } = await sendRaw(Number(port), lines.join('\r\n'))
      expect(status).toBe(400)
      expect(answer).not.toContain('evil')
    }
  })

  test('a refused Host leaves one record each; a target that names a second host is refused too', async () => {
    const { host, port } = new URL(keyward.issuer)
    const before = (await keyward.audit()).length
    const odd = await sendRaw(Number(port), 'GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n')
    const absolute = await sendRaw(
      Number(port),
      `GET http://evil.example/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
    )
    expect([odd.status, absolute.status]).toEqual([400, 400])
    const records = (await keyward.audit()).slice(before)
    expect(records.map(({ event }) => event)).toEqual(
      Array.from({ length: 2 }, () => ({ type: 'request', outcome: 'refused', reason: 'host' }))
    )
    expect(odd.answer.toLowerCase()).toContain(`x-request-id: ${records[0]?.source.requestId}`)
  })
})

describe('case 128: limits and addresses', () => {
  async function attempts(keyward: Keyward, addresses: string[]): Promise<number[]> {
    const browser = newBrowser(keyward.issuer)
    await browser.open(newApp(keyward.issuer).authorizationUrl())
    const statuses: number[] = []
    for (const [at, address] of addresses.entries()) {
      const page = await browser.submit({ username: `guess-${at}`, password: 'x' }, { 'X-Forwarded-For': address })
      statuses.push(page.status)
    }
    return statuses
  }
  const addresses = ['203.0.113.1', '203.0.113.2', '203.0.113.3', '203.0.113.4']
  const startWith = (trustedProxies: string[]) =>
    startKeyward({
      change: (config) => ({
        ...config,
        listen: { ...config.listen, trustedProxies },
        limits: { ...config.limits, signInsPerAddress: 3 }
      })
    })

  test('an untrusted peer does not get around its limit by naming other addresses', async () => {
    const keyward = await startWith(['192.0.2.0/24'])
    expect(await attempts(keyward, addresses)).toEqual([422, 422, 422, 429])
    await keyward.stop()
  })

  test('a trusted proxy is believed: each address has its own limit, and stands in the audit trail', async () => {
    const keyward = await startWith(['127.0.0.1'])
    expect(await attempts(keyward, addresses)).toEqual([422, 422, 422, 422])
    expect((await keyward.audit()).filter(({ event }) => event.type === 'sign-in').map(({ source }) => source.address)).toEqual(
      addresses
    )
    await keyward.stop()
  })
})
