/**
 * I4 with `lifetimes.refreshRetry`: wherever the connection to Redis breaks during a refresh, the app's second try gives
 * tokens that work. Without the setting it may instead learn that it has none (store-connection.test.ts).
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keyward, startKeyward, storeOf } from '../harness/keyward.ts'
import { type RedisServer, startRedis } from '../harness/redis-server.ts'
import { violationsIn } from './history.ts'
import { newPerson, type Person } from './person.ts'
import { behind, type FaultProxy, startFaultProxy } from './proxy.ts'
import { introspecting, newRecorder, type Recorder, refreshing } from './recorder.ts'
import { issuedIn } from './replicas.ts'
import { rounds, timeFor } from './rounds.ts'

const CUTS = rounds(8, 1000)

let redis: RedisServer
let proxy: FaultProxy
let keyward: Keyward
let recorder: Recorder
let person: Person

beforeAll(async () => {
  redis = await startRedis()
  proxy = await startFaultProxy(redis.port)
  keyward = await startKeyward({
    store: 'redis',
    redis: behind(proxy, redis),
    change: (config) => ({
      ...config,
      secondFactor: { ...config.secondFactor, patients: 'off', clinicians: 'off' },
      lifetimes: { ...config.lifetimes, refreshRetry: 10 }
    })
  })
  expect(await storeOf(keyward.issuer)).toBe('redis')
  recorder = newRecorder(keyward.issuer)
  person = await newPerson(keyward.issuer, recorder, keyward.config.listen.port)
})
afterAll(async () => {
  await keyward.stop()
  await proxy.stop()
  await redis.stop()
})

test.each(['request', 'reply'] as const)(
  'F2: a refresh whose connection ends within a %s is asked once more, and leaves exactly one token that works',
  async (direction) => {
    const { port } = keyward.config.listen
    const ask = async (token: string) => (await recorder.perform([refreshing(port, token)]))[0]
    let { refresh } = await person.tokens()
    const before = proxy.bytes[direction]
    const whole = await ask(refresh)
    const length = proxy.bytes[direction] - before
    if (whole?.type !== 'tokens') throw new Error('a refresh without a fault is refused')
    refresh = whole.refresh

    const interrupted = new Set<string>()
    for (let at = 0; at < CUTS; at++) {
      proxy.cutAfter(1 + Math.floor((at * (length - 2)) / Math.max(1, CUTS - 1)), direction)
      const first = await ask(refresh)
      proxy.pass()
      interrupted.add(first?.type ?? 'lost')
      await expect.poll(async () => (await fetch(`${keyward.issuer}/readyz`)).status, { interval: 10, timeout: 5000 }).toBe(200)
      const held = first?.type === 'tokens' ? first : await ask(refresh)
      if (held?.type !== 'tokens') throw new Error(`no token is left after the cut ${at} of ${CUTS}: ${JSON.stringify(held)}`)
      expect(await recorder.perform([introspecting(port, held.access)])).toMatchObject([{ type: 'active', active: true }])
      refresh = held.refresh
    }
    expect(interrupted).toContain('unavailable')
    expect(violationsIn({ calls: recorder.calls, issued: issuedIn(await keyward.audit()) })).toEqual([])
  },
  timeFor(CUTS, 5000)
)
