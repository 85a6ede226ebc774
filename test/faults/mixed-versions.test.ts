/**
 * F22: two versions of the record format at work in one store, as in a rolling upgrade. One Keyward writes records as it does
 * now, the other as the format before had them (older-records.ts); a load balancer gives each request to the next of them. So
 * a session, a consent, a Grant and a refresh token are written by the one and read, changed and ended by the other, all the
 * time. And a roll back: what the newer one wrote, the older one serves alone.
 */
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { introspect, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import { freePort } from '../harness/free-port.ts'
import { STORES, storeOf } from '../harness/keyward.ts'
import { pressAtAccount } from '../harness/visit.ts'
import { type LoadBalancer, startLoadBalancer } from './load-balancer.ts'
import { type Replicas, startReplicas } from './replicas.ts'
import { rounds, timeFor } from './rounds.ts'

const ROUNDS = rounds(3, 100)
const PEOPLE = ['ada', 'ben', 'cleo', 'dan']
const PATIENCE = { timeout: 60_000, interval: 50 }

describe.each(STORES)('two versions of the format of records, on %s', (store) => {
  let issuer: string
  let replicas: Replicas
  let balancer: LoadBalancer
  beforeAll(async () => {
    const port = await freePort()
    issuer = `http://localhost:${port}`
    replicas = await startReplicas(store, {
      issuer,
      newcomers: PEOPLE,
      patientsSecondFactor: 'off',
      secondPreload: resolve(import.meta.dirname, 'older-records.ts')
    })
    balancer = await startLoadBalancer(replicas.ports, { port, probeEvery: 50 })
    await vi.waitUntil(() => balancer.inService().length === 2, PATIENCE)
    expect(await storeOf(issuer)).toBe(store)
  }, 180_000)
  afterAll(async () => {
    await balancer?.stop()
    await replicas?.stop()
  })

  const older = async () => Number(await replicas.second.tell({ recordsWritten: true }))
  /** By the one and by the other. */
  const seenBy = async (token: string) => [
    (await introspect(issuer, token)).body.active,
    (await introspect(issuer, token)).body.active
  ]

  async function visit(username: string, how: 'stop' | 'revoke' | 'keep'): Promise<() => Promise<void>> {
    const app = newApp(issuer)
    const browser = newBrowser(issuer)
    expect((await browser.open(app.authorizationUrl())).step).toBe('login')
    let callback = await browser.submit({ username, password: PASSWORD })
    if (callback.step === 'consent') callback = await browser.submit({ decision: 'allow' })
    expect((await app.redeem(app.codeFrom(callback))).status).toBe(200)
    // The session that one has made is the other's as well, and so is the consent: nobody is asked again.
    const page = await browser.open(app.authorizationUrl())
    const { status, body } = await app.redeem(app.codeFrom(page))
    expect(status).toBe(200)
    let { access_token: access = '', refresh_token: refresh = '' } = body
    for (let time = 0; time < 3; time++) {
      expect(await seenBy(access)).toEqual([true, true])
      const next = await app.refresh(refresh)
      expect(next.status).toBe(200)
      ;({ access_token: access = '', refresh_token: refresh = '' } = next.body)
    }
    if (how === 'keep') return async () => expect((await app.refresh(refresh)).status).toBe(200)
    if (how === 'revoke') expect((await app.revoke(refresh)).status).toBe(200)
    else await pressAtAccount({ browser }, { issuer }, 'stop')
    expect(await seenBy(access)).toEqual([false, false])
    expect((await app.refresh(refresh)).status).toBe(400)
    return async () => undefined
  }

  test(
    `F22: ${ROUNDS} rounds of sign-in, consent, tokens and their end by ${PEOPLE.length} people at once: each reads what the other writes`,
    async () => {
      const before = await older()
      for (let round = 0; round < ROUNDS; round++) {
        const ways = ['revoke', 'stop', 'keep', 'stop'] as const
        await Promise.all(PEOPLE.map((username, at) => visit(username, ways[(at + round) % ways.length] ?? 'keep')))
      }
      expect(await older()).toBeGreaterThan(before)
      const shares = [...balancer.given.values()]
      expect(Math.min(...shares)).toBeGreaterThan(0.4 * shares.reduce((sum, each) => sum + each, 0))
      expect(balancer.faults).toEqual([])
      // Of the trail too: two chains in two formats, which anchor each other.
      expect((await replicas.issued()).size).toBeGreaterThan(0)
    },
    timeFor(ROUNDS, 60_000)
  )

  test('F22: rolled back: the older one alone serves the sessions and tokens that both have written, and the newer one takes them up again', async () => {
    const goOn = await Promise.all(PEOPLE.map((username) => visit(username, 'keep')))
    await replicas.first.terminate()
    await expect.poll(() => balancer.inService(), PATIENCE).toEqual([replicas.second.port])
    for (const again of goOn) await again()
    await Promise.all(PEOPLE.map((username) => visit(username, 'stop')))
    const kept = await Promise.all(PEOPLE.map((username) => visit(username, 'keep')))
    await replicas.first.startAgain()
    await replicas.second.terminate()
    await expect.poll(() => balancer.inService(), PATIENCE).toEqual([replicas.first.port])
    for (const again of kept) await again()
    await Promise.all(PEOPLE.map((username) => visit(username, 'revoke')))
  }, 300_000)
})
