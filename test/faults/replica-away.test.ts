/**
 * A Redis whose replica is cut off, with `?replicas=1` in its address: no token is acknowledged that a failover could forget.
 * F7: at a primary that nobody follows any more the bound is none, not a single acknowledged write, from the moment at which
 * its replica is away; what was written there without an answer is found by whoever asks again, once.
 */
import { resolve } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type AppClient, authorize, introspect, newApp, type TokenResponse } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { type KeywardProcess, startProcess } from '../harness/keyward-process.ts'
import { childrenOf } from '../harness/process-ids.ts'
import { type RedisServer, startRedis } from '../harness/redis-server.ts'

const PATIENCE = { timeout: 60_000, interval: 100 }
const SCOPE = 'openid offline_access user/Patient.rs'

describe('a primary whose replica is cut off', () => {
  let primary: RedisServer
  let replica: RedisServer
  let keyward: KeywardProcess
  let app: AppClient
  let browser: Browser
  beforeAll(async () => {
    primary = await startRedis()
    replica = await startRedis({ arguments: ['--replicaof', '127.0.0.1', String(primary.port)] })
    await replicated()
    keyward = await startProcess({
      preload: resolve(import.meta.dirname, 'preload.ts'),
      change: (yaml) =>
        yaml
          .replace(/^store: .*$/m, `store: "${primary.url}?replicas=1"`)
          .replace('clinicians: required', 'clinicians: "off"')
          .replace('refreshToken: 93d', 'refreshToken: 93d, refreshRetry: 60s')
    })
  }, 180_000)
  afterAll(async () => {
    await keyward?.stop()
    await Promise.all([replica?.stop(), primary?.stop()])
  })
  beforeEach(async () => {
    app = newApp(keyward.issuer)
    browser = newBrowser(keyward.issuer)
  })

  const newCode = async () =>
    app.codeFrom(await authorize(browser, app.authorizationUrl({ scope: SCOPE }), { username: 'dr.lee' }))

  /** The primary knows of a replica that has what it has. */
  async function replicated(): Promise<void> {
    const client = new Redis(primary.url)
    await vi.waitUntil(async () => /slave0:.*state=online.*lag=[01]\b/.test(await client.info('replication')), PATIENCE)
    client.disconnect()
  }

  /** The replica freezes in the middle of the request, when the record of its tokens has reached it and they have not. */
  async function cutOffAt(step: string): Promise<void> {
    const [pid] = childrenOf(process.pid, `:${replica.port}`)
    if (pid === undefined) throw new Error('the replica is no child of the tests')
    expect(await keyward.tell({ freezeAt: step, pid })).toBe('armed')
  }

  /** Until writes are acknowledged: first the replica has to be believed. */
  async function again(ask: () => Promise<TokenResponse>): Promise<TokenResponse> {
    replica.resume()
    let answer = await ask()
    const deadline = performance.now() + PATIENCE.timeout
    while (answer.status === 503 && performance.now() < deadline) answer = await ask()
    return answer
  }

  function expectUnavailable({ status, headers, body }: TokenResponse): void {
    expect({ status, retryAfter: Number(headers.get('retry-after')) > 0 }).toEqual({ status: 503, retryAfter: true })
    expect([body.access_token, body.refresh_token, body.error]).toEqual([
      undefined,
      undefined,
      expect.not.stringMatching('invalid')
    ])
  }

  const isActive = async (token: string | undefined) => (await introspect(keyward.issuer, token ?? '')).body.active

  test('F7: before the exchange: 503, and the same code brings one family once the replica is back', async () => {
    const code = await newCode()
    replica.pause()
    expectUnavailable(await app.redeem(code))
    expectUnavailable(await app.redeem(code))
    const { status, body } = await again(() => app.redeem(code))
    expect(status).toBe(200)
    expect(await isActive(body.access_token)).toBe(true)
    expect((await app.refresh(body.refresh_token ?? '')).status).toBe(200)
  })

  test('F7: within the exchange: 503; the code may be spent, nothing of it lives, and the person’s next one brings one family', async () => {
    const code = await newCode()
    await cutOffAt('code:audited')
    expectUnavailable(await app.redeem(code))
    expect(await again(() => app.redeem(code))).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    const { status, body } = await app.redeem(await newCode())
    expect(status).toBe(200)
    expect(await isActive(body.access_token)).toBe(true)
    expect((await app.refresh(body.refresh_token ?? '')).status).toBe(200)
  })

  test('F7: before and within a refresh: 503, and the same token brings one successor, however often it is asked for', async () => {
    for (const cutOff of [async () => replica.pause(), () => cutOffAt('refresh:audited')]) {
      const held = (await app.redeem(await newCode())).body
      await cutOff()
      expectUnavailable(await app.refresh(held.refresh_token ?? ''))
      const first = await again(() => app.refresh(held.refresh_token ?? ''))
      expect(first.status).toBe(200)
      const second = await app.refresh(held.refresh_token ?? '')
      expect([second.body.access_token, second.body.refresh_token]).toEqual([first.body.access_token, first.body.refresh_token])
      expect(await isActive(first.body.access_token)).toBe(true)
      expect((await app.refresh(first.body.refresh_token ?? '')).status).toBe(200)
    }
  })
})
