/** F16: the clock of a replica is wrong, jumps, or has moved on while the process stood still. */
import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { STORES, storeOf } from '../harness/keyward.ts'
import { startProcess } from '../harness/keyward-process.ts'
import { startRedis } from '../harness/redis-server.ts'
import { newPerson, type Person } from './person.ts'
import { introspecting, newRecorder, type Recorder, redeeming, refreshing } from './recorder.ts'
import { type Replicas, startReplicas } from './replicas.ts'

const preload = resolve(import.meta.dirname, 'preload.ts')
const key = (): string => randomBytes(32).toString('base64url')

describe('F16: a production replica on Redis', () => {
  test.each([
    ['six seconds fast', 6000],
    ['thirty seconds slow', -30_000]
  ])(
    'whose clock is %s is not ready, says why, and is ready when it goes right',
    async (_how, clockOff) => {
      const redis = await startRedis()
      const keyward = await startProcess({
        preload,
        env: { SEALING_KEY: key(), LOOKUP_KEY: key(), COOKIE_KEY: key() },
        change: (yaml) => `
issuer: https://sign-in.hospital.example
listen: { port: ${/port: (\d+)/.exec(yaml)?.[1]}, drainDelay: 0s }
store: "${redis.url}"
secrets: { sealingKeys: [{ id: 1, key: "\${SEALING_KEY}" }], lookupKey: "\${LOOKUP_KEY}", cookieKeys: ["\${COOKIE_KEY}"] }
organization: { name: Hospital Example, supportPhone: "+1 555 0199" }
`
      })
      try {
        const readiness = async (): Promise<unknown> => (await fetch(`http://127.0.0.1:${keyward.port}/readyz`)).json()
        expect(await readiness()).toEqual({ status: 'ready', store: 'redis' })
        await keyward.tell({ clockOff })
        const patience = { timeout: 30_000, interval: 250 }
        await expect.poll(readiness, patience).toEqual({ status: 'not-ready', reason: 'store-settings' })
        await expect.poll(() => keyward.log().join(), patience).toMatch(/its clock and this machine's are \d+ s apart/)
        await keyward.tell({ clockOff: 0 })
        await expect.poll(readiness, patience).toEqual({ status: 'ready', store: 'redis' })
      } finally {
        await keyward.stop()
        await redis.stop()
      }
    },
    120_000
  )
})

describe.each(STORES)('F16: after the clocks have moved on, as over a standstill, on %s', (store) => {
  let replicas: Replicas
  let recorder: Recorder
  let person: Person
  beforeAll(async () => {
    replicas = await startReplicas(store, { preload, refreshRetry: '10s' })
    expect(await storeOf(replicas.issuer)).toBe(store)
    recorder = newRecorder(replicas.issuer)
    person = await newPerson(replicas.issuer, recorder, replicas.first.port)
  })
  afterAll(() => replicas?.stop())

  const move = async (clockOff: number): Promise<void> => {
    for (const replica of [replicas.first, replicas.second]) await replica.tell({ clockOff })
  }
  const answers = async (attempt: (port: number) => Parameters<Recorder['perform']>[0][number]) =>
    recorder.perform(replicas.ports.map(attempt))

  test('90 seconds: a code of before is refused by both, and a second refresh ends the family', async () => {
    const code = await person.code()
    const { access, refresh } = await person.tokens()
    const [next] = await recorder.perform([refreshing(replicas.second.port, refresh)])
    expect(next?.type).toBe('tokens')
    await move(90_000)
    const refused = { type: 'refused', error: 'invalid_grant' }
    expect(await answers((port) => redeeming(port, code, person.verifier))).toEqual([refused, refused])
    expect(await answers((port) => introspecting(port, access))).toMatchObject([{ active: true }, { active: true }])
    expect(await answers((port) => refreshing(port, refresh))).toEqual([refused, refused])
    expect(await answers((port) => introspecting(port, access))).toMatchObject([{ active: false }, { active: false }])
    await move(0)
  })

  test('16 minutes: an access token has ended at both; its refresh token works, and still does when the clocks jump back', async () => {
    const { access, refresh } = await person.tokens()
    await move(16 * 60_000)
    expect(await answers((port) => introspecting(port, access))).toMatchObject([{ active: false }, { active: false }])
    const [next] = await recorder.perform([refreshing(replicas.first.port, refresh)])
    if (next?.type !== 'tokens') throw new Error(`the refresh token has ended: ${JSON.stringify(next)}`)
    await move(0)
    expect(await answers((port) => introspecting(port, next.access))).toMatchObject([{ active: true }, { active: true }])
    expect(await recorder.perform([refreshing(replicas.second.port, next.refresh)])).toMatchObject([{ type: 'tokens' }])
  })
})
