/**
 * Cases 134 and 138: one address floods two Keywards on one store. What is refused is refused with 429 from some point on,
 * and counted in the trail in place of being written there; who has the right credentials, or another address, notices
 * nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { type Store, StoreUnavailable } from '../../src/store/store.ts'
import { authorize, basic, newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { PASSWORD, SECRETS } from '../harness/clinic-config.ts'
import { type Keyward, newSecrets, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { all } from '../harness/on-pages.ts'
import type { RedisServer } from '../harness/redis-server.ts'
import { startRedisOf } from '../harness/shared-redis.ts'
import { withoutSecondFactor } from '../harness/visit.ts'

const LIMIT = 40
/** Two processes each let a twentieth through before they ask the other. */
const MOST = LIMIT + 2
const WINDOW = 900_000
const RIGHT = basic('clinic-fhir', SECRETS['clinic-fhir'])

const limited = (config: Config): Config => ({
  ...withoutSecondFactor(config),
  listen: { ...config.listen, trustedProxies: ['127.0.0.1'] },
  limits: {
    ...config.limits,
    passwordsPerAccount: 3,
    authorizationsPerAddress: LIMIT,
    refusalsPerAddress: LIMIT,
    refusalsPerClient: 3 * LIMIT
  }
})

function introspect({ issuer }: Keyward, authorization: string, address: string): Promise<Response> {
  const headers = { Authorization: authorization, 'X-Forwarded-For': address }
  return fetch(`${issuer}/introspect`, { method: 'POST', headers, body: new URLSearchParams({ token: 'kw_at_none' }) })
}

function redeem({ issuer }: Keyward, address: string): Promise<Response> {
  const form = {
    grant_type: 'authorization_code',
    client_id: 'heart-app',
    code: 'kw_ac_guess',
    redirect_uri: 'http://localhost:9002/app'
  }
  const body = new URLSearchParams({ ...form, code_verifier: 'v'.repeat(43) })
  return fetch(`${issuer}/token`, { method: 'POST', headers: { 'X-Forwarded-For': address }, body })
}

const numberOf = (statuses: number[], status: number): number => statuses.filter((one) => one === status).length

describe.each(STORES)('floods, on %s', (name) => {
  let keywards: Keyward[]
  let redis: RedisServer | undefined
  let folder: string
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyward-floods-'))
    redis = await startRedisOf(name)
    const shared = {
      store: name,
      secrets: newSecrets(),
      storeUrl: `sqlite:${join(folder, 'keyward.db')}`,
      change: limited,
      ...(redis && { redis })
    }
    keywards = [await startKeyward(shared), await startKeyward(shared)]
    for (const { issuer } of keywards) expect(await storeOf(issuer)).toBe(name)
  })
  afterEach(async () => {
    vi.useRealTimers()
    for (const keyward of keywards) await keyward.stop()
    await redis?.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const at = (turn: number): Keyward => {
    const keyward = keywards[turn % keywards.length]
    if (!keyward) throw new Error('none is running')
    return keyward
  }
  /** One after another, each at a process in turn. */
  async function inTurn(times: number, ask: (keyward: Keyward, turn: number) => Promise<Response>): Promise<number[]> {
    const statuses: number[] = []
    for (let turn = 0; turn < times; turn += 1) {
      const answer = await ask(at(turn), turn)
      statuses.push(answer.status)
      await answer.text()
      if (answer.status === 429) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    return statuses
  }

  test('case 134: wrong secrets at introspection: 429, and the FHIR server at the same address is answered as ever', async () => {
    const statuses = await inTurn(100, (keyward) => introspect(keyward, basic('clinic-fhir', 'wrong'), '192.0.2.1'))
    expect(numberOf(statuses, 401)).toBeGreaterThanOrEqual(LIMIT)
    expect(numberOf(statuses, 401)).toBeLessThanOrEqual(MOST)
    expect(numberOf(statuses, 429)).toBe(100 - numberOf(statuses, 401))
    expect(await inTurn(10, (keyward) => introspect(keyward, RIGHT, '192.0.2.1'))).toEqual(Array(10).fill(200))
    expect(await inTurn(2, (keyward) => introspect(keyward, 'Basic x', '192.0.2.2'))).toEqual([401, 401])

    vi.useFakeTimers({ toFake: ['Date'] })
    vi.setSystemTime(Date.now() + WINDOW + 1000)
    expect(await inTurn(2, (keyward) => introspect(keyward, 'Basic x', '192.0.2.1'))).toEqual([401, 401])
  })

  test('case 134: what was not recorded one by one is counted in the trail, once the flood or the process has ended', async () => {
    const statuses = await inTurn(100, (keyward) => introspect(keyward, 'Basic x', '192.0.2.1'))
    const [first, second] = keywards
    if (!first || !second) throw new Error('two are running')
    expect(await first.auditEvents('introspection')).toHaveLength(numberOf(statuses, 401))
    expect(await first.auditEvents('refusals')).toEqual([
      { type: 'refusals', outcome: 'limited' },
      { type: 'refusals', outcome: 'limited' }
    ])
    keywards = [second]
    await first.stop()
    const counted = (await second.auditEvents('refusals')).filter((event) => event.outcome === 'counted')
    expect(counted).toHaveLength(1)
    expect(counted[0]?.refused).toBeGreaterThan((100 - MOST) / 2 - 2)
  })

  test('case 134: guessed codes from a /64 whose addresses change: 429, and an app next to it gets its tokens', async () => {
    const statuses = await inTurn(100, (keyward, turn) => redeem(keyward, `2001:db8:1:2::${turn.toString(16)}`))
    expect(numberOf(statuses, 400)).toBeLessThanOrEqual(MOST)
    expect(numberOf(statuses, 400)).toBeGreaterThanOrEqual(LIMIT)
    expect(numberOf(statuses, 429)).toBe(100 - numberOf(statuses, 400))
    // Another /64; and the same client from so many of them, until its own limit is reached.
    const others = await inTurn(6 * LIMIT, (keyward, turn) => redeem(keyward, `2001:db8:${(turn % 30) + 2}::1`))
    expect(others[0]).toBe(400)
    expect(others.at(-1)).toBe(429)
    expect(numberOf([...statuses, ...others], 400)).toBeLessThanOrEqual(3 * LIMIT * 1.1)
    const { issuer } = at(0)
    const app = newApp(issuer)
    const answer = await app.redeem(app.codeFrom(await authorize(newBrowser(issuer), app.authorizationUrl())))
    expect(answer.status).toBe(200)
    expect((await app.refresh(answer.body.refresh_token ?? '')).status).toBe(200)
  })

  test('case 134: passwords for one account: three are checked, and the trail does not grow with the rest', async () => {
    const browser = newBrowser(at(0).issuer)
    const sources = { 'X-Forwarded-For': '192.0.2.7' }
    await browser.open(newApp(at(0).issuer).authorizationUrl(), sources)
    const statuses: number[] = []
    for (let turn = 0; turn < 70; turn += 1) {
      const page = await browser.submit({ username: 'maria', password: `wrong ${turn}` }, sources)
      statuses.push(page.status)
    }
    expect(numberOf(statuses, 422)).toBe(3)
    expect(numberOf(statuses, 429)).toBe(67)
    const events = await at(0).auditEvents('sign-in')
    expect(events.filter(({ reason }) => reason === 'wrong-credentials')).toHaveLength(3)
    expect(events.length).toBeLessThanOrEqual(3 + MOST)
    expect(await at(0).auditEvents('refusals')).toHaveLength(1)
  })

  test('case 138: sign-ins that nobody finishes: so many are stored for a quarter of an hour, and others sign in meanwhile', async () => {
    const { issuer } = at(0)
    const signedIn = newBrowser(issuer)
    const from = (address: string) => ({ 'X-Forwarded-For': address })
    const open = (browser: Browser, address: string) => browser.open(newApp(issuer).authorizationUrl(), from(address))
    await open(signedIn, '192.0.2.1')
    await signedIn.submit({ username: 'maria', password: PASSWORD }, from('192.0.2.1'))

    const statuses = await inTurn(100, ({ issuer: to }) =>
      fetch(newApp(to).authorizationUrl(), { redirect: 'manual', headers: { ...from('192.0.2.1'), Accept: 'text/html' } })
    )
    expect(numberOf(statuses, 303)).toBeGreaterThanOrEqual(LIMIT - 2)
    expect(numberOf(statuses, 303)).toBeLessThanOrEqual(MOST)
    expect(numberOf(statuses, 429)).toBe(100 - numberOf(statuses, 303))
    expect((await all(at(0), 'Interaction')).length).toBeLessThanOrEqual(MOST + 1)

    // Who is signed in at the flooded address goes on, and everybody else signs in.
    expect((await open(signedIn, '192.0.2.1')).step).toBe('patient')
    const app = newApp(issuer)
    const elsewhere = newBrowser(issuer)
    await elsewhere.open(app.authorizationUrl(), from('192.0.2.2'))
    expect((await authorize(elsewhere, app.authorizationUrl())).url).toContain('code=')

    vi.useFakeTimers({ toFake: ['Date'] })
    vi.setSystemTime(Date.now() + 16 * 60_000)
    expect((await all(at(0), 'Interaction')).length).toBeLessThanOrEqual(2)
  })

  test('case 138: requests that anybody posts or pushes and no browser comes with: so many are kept, and those it comes with do not count', async () => {
    const { issuer } = at(0)
    const from = { 'X-Forwarded-For': '192.0.2.1' }
    const send = (to: string, path: string, headers = from): Promise<Response> =>
      fetch(`${to}${path}`, {
        method: 'POST',
        body: new URL(newApp(to).authorizationUrl()).searchParams,
        headers,
        redirect: 'manual'
      })

    const signedIn = newBrowser(issuer)
    await authorize(signedIn, newApp(issuer).authorizationUrl())
    for (let turn = 0; turn < 2 * LIMIT; turn += 1) {
      const posted = await send(issuer, '/authorize')
      expect((await signedIn.open(new URL(posted.headers.get('location') ?? '', issuer).href)).step).toBe('patient')
    }

    const statuses = await inTurn(100, ({ issuer: to }, turn) => send(to, turn % 4 < 2 ? '/authorize' : '/par'))
    const kept = 100 - numberOf(statuses, 429)
    expect(kept).toBeLessThanOrEqual(MOST)
    expect(await all(at(0), 'pushed-request')).toHaveLength(kept)
    expect((await send(issuer, '/authorize', { 'X-Forwarded-For': '192.0.2.2' })).status).toBe(303)
  })
})

test('case 134: while the counters can not be reached nobody signs in, and strict limits hold for the rest', async () => {
  let away = false
  const wrapStore = (store: Store): Store => ({
    ...store,
    async increment(...args) {
      if (away) throw new StoreUnavailable('the counters are away')
      return store.increment(...args)
    }
  })
  const keyward = await startKeyward({ change: limited, wrapStore })
  const browser = newBrowser(keyward.issuer)
  await browser.open(newApp(keyward.issuer).authorizationUrl())
  away = true
  const page = await browser.submit({ username: 'maria', password: PASSWORD })
  expect(page.status).toBe(503)
  expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0)
  const statuses: number[] = []
  for (let turn = 0; turn < 10; turn += 1) statuses.push((await introspect(keyward, 'Basic x', '192.0.2.1')).status)
  expect(statuses).toEqual([401, 401, ...Array(8).fill(429)])
  expect((await introspect(keyward, RIGHT, '192.0.2.1')).status).toBe(200)
  await keyward.stop()
})
