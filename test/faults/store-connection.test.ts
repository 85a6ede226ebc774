/**
 * F2, F4 and F5: the connection between Keyward and Redis breaks, at every point of an exchange, a refresh, a
 * revocation, an introspection and a sign-in; is slow; goes dark. Each answer says what is true, and once the
 * connection is back the app has tokens that work, or knows that it has none.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import { type Keyward, startKeyward, storeOf } from '../harness/keyward.ts'
import { type RedisServer, startRedis } from '../harness/redis-server.ts'
import { withoutSecondFactor } from '../harness/visit.ts'
import { type Answer, violationsIn } from './history.ts'
import { newPerson, type Person } from './person.ts'
import { behind, type Direction, type FaultProxy, startFaultProxy } from './proxy.ts'
import { type Attempt, introspecting, newRecorder, type Recorder, redeeming, refreshing, revoking } from './recorder.ts'
import { issuedIn } from './replicas.ts'
import { rounds, timeFor } from './rounds.ts'

const CUTS = rounds(5, 200)

let redis: RedisServer
let proxy: FaultProxy
let keyward: Keyward
let port: number
let recorder: Recorder
let person: Person

beforeAll(async () => {
  redis = await startRedis()
  proxy = await startFaultProxy(redis.port)
  keyward = await startKeyward({
    store: 'redis',
    redis: behind(proxy, redis),
    change: withoutSecondFactor
  })
  expect(await storeOf(keyward.issuer)).toBe('redis')
  port = keyward.config.listen.port
  recorder = newRecorder(keyward.issuer)
  person = await newPerson(keyward.issuer, recorder, port)
})
afterAll(async () => {
  proxy.pass()
  await keyward.stop()
  await proxy.stop()
  await redis.stop()
})

/** Waits until Keyward works again; milliseconds. */
async function recovered(): Promise<number> {
  const start = performance.now()
  await expect.poll(async () => (await fetch(`${keyward.issuer}/readyz`)).status, { timeout: 10_000, interval: 10 }).toBe(200)
  return performance.now() - start
}

async function expectNoViolation(since: number): Promise<void> {
  const calls = recorder.calls.slice(since)
  expect(violationsIn({ calls, issued: issuedIn(await keyward.audit()) })).toEqual([])
}

/** From the first byte to the last but one. */
const cutPoint = (at: number, length: number) => 1 + Math.floor((at * (length - 2)) / Math.max(1, CUTS - 1))

const ask = async (attempt: Attempt): Promise<Answer> => (await recorder.perform([attempt]))[0] ?? { type: 'lost' }

/** What is to be interrupted, made ready; and what the app does afterwards. */
interface Interrupted {
  attempt: Attempt
  after(answer: Answer, cut?: Direction): Promise<void>
}

/**
 * An app that got no tokens tries once more; what it then holds works, or it holds nothing. That is so only where the
 * store's answer was lost: the one write that spends anything is the last request, and cut short it has not happened.
 */
async function expectTokensOrNone(again: Attempt, answer: Answer, cut?: Direction): Promise<void> {
  const held = answer.type === 'tokens' ? answer : await ask(again)
  if (held.type !== 'tokens' && cut !== 'request') return expect(held).toEqual({ type: 'refused', error: 'invalid_grant' })
  if (held.type !== 'tokens') throw new Error(`spent for nothing: ${JSON.stringify(held)}`)
  expect(await ask(introspecting(port, held.access))).toMatchObject({ type: 'active', active: true })
  expect((await ask(refreshing(port, held.refresh))).type).toBe('tokens')
}

const operations: [string, () => Promise<Interrupted>][] = [
  [
    'a code exchange',
    async () => {
      const attempt = redeeming(port, await person.code(), person.verifier)
      return { attempt, after: (answer, cut) => expectTokensOrNone(attempt, answer, cut) }
    }
  ],
  [
    'a refresh',
    async () => {
      const attempt = refreshing(port, (await person.tokens()).refresh)
      return { attempt, after: (answer, cut) => expectTokensOrNone(attempt, answer, cut) }
    }
  ],
  [
    'a revocation',
    async () => {
      const { access, refresh } = await person.tokens()
      const attempt = revoking(port, refresh)
      return {
        attempt,
        async after(answer) {
          if (answer.type !== 'done') expect(await ask(attempt)).toEqual({ type: 'done' })
          expect(await ask(introspecting(port, access))).toEqual({ type: 'active', active: false })
        }
      }
    }
  ],
  [
    'an introspection',
    async () => {
      const attempt = introspecting(port, (await person.tokens()).access)
      return { attempt, after: async () => expect(await ask(attempt)).toMatchObject({ type: 'active', active: true }) }
    }
  ]
]

describe.each(['request', 'reply'] as Direction[])('F2: the connection ends within a %s', (direction) => {
  test.each(operations)(
    '%s, cut after n bytes, n walking through all of it',
    async (_what, prepare) => {
      const since = recorder.calls.length
      const whole = await prepare()
      const before = proxy.bytes[direction]
      const answer = await ask(whole.attempt)
      const length = proxy.bytes[direction] - before
      await whole.after(answer)
      expect(length).toBeGreaterThan(100)

      const answers = new Set<string>()
      for (let at = 0; at < CUTS; at++) {
        const { attempt, after } = await prepare()
        const started = performance.now()
        proxy.cutAfter(cutPoint(at, length), direction)
        const interrupted = await ask(attempt)
        expect(performance.now() - started).toBeLessThan(2000)
        // Not each has exactly as many bytes as the first.
        if (!proxy.hasCut()) expect(interrupted.type).toBe(answer.type)
        proxy.pass()
        answers.add(interrupted.type)
        expect(await recovered()).toBeLessThan(5000)
        await after(interrupted, direction)
      }
      expect(answers).toContain('unavailable')
      await expectNoViolation(since)
    },
    timeFor(CUTS, 5000)
  )

  test(
    'a sign-in, cut after n bytes: the next page, or 503; and the person goes on',
    async () => {
      const prepare = async () => {
        const browser = newBrowser(keyward.issuer)
        await browser.open(newApp(keyward.issuer).authorizationUrl())
        return browser
      }
      const given = { username: 'maria', password: PASSWORD }
      const before = proxy.bytes[direction]
      expect((await (await prepare()).submit(given)).step).toBe('patient')
      const length = proxy.bytes[direction] - before
      for (let at = 0; at < CUTS; at++) {
        const browser = await prepare()
        proxy.cutAfter(cutPoint(at, length), direction)
        const page = await browser.submit(given)
        expect([200, 503]).toContain(page.status)
        if (page.status === 503) expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0)
        proxy.pass()
        await recovered()
        // As the page says: once more, and where the step is over by then, from the app again.
        let next = await browser.open(page.url)
        if (next.status === 400) next = await browser.open(newApp(keyward.issuer).authorizationUrl())
        if (next.step === 'login') next = await browser.submit(given)
        expect({ status: next.status, step: next.step }).toEqual({ status: 200, step: 'patient' })
      }
    },
    timeFor(CUTS, 5000)
  )
})

describe('with everything under way at once', () => {
  /** One of each, ready to be sent. */
  async function oneOfEach(): Promise<Interrupted[]> {
    const ready: Interrupted[] = []
    for (const [, prepare] of operations) ready.push(await prepare())
    return ready
  }
  const sendAll = (all: Interrupted[]) => recorder.perform(all.map(({ attempt }) => attempt))
  async function afterwards(all: Interrupted[], answers: Answer[]): Promise<void> {
    for (const [at, { after }] of all.entries()) await after(answers[at] ?? { type: 'lost' })
  }

  test('F2: Redis is killed: each request ends within 2 s, and all works 5 s after Redis is back, without a restart', async () => {
    const since = recorder.calls.length
    const all = await oneOfEach()
    const started = performance.now()
    const answering = sendAll(all)
    await redis.kill()
    const answers = await answering
    expect(performance.now() - started).toBeLessThan(2000)
    await redis.restart()
    expect(await recovered()).toBeLessThan(5000)
    await afterwards(all, answers)
    await expectNoViolation(since)
  })

  test.each([50, 200, 1000])('F4: Redis answers %i ms late: bounded answers, and nothing is done twice', async (ms) => {
    const since = recorder.calls.length
    const all = await oneOfEach()
    // Half of it on the way there, half on the way back.
    proxy.delay(ms / 2)
    const started = performance.now()
    const answers = await sendAll(all)
    const took = performance.now() - started
    proxy.pass()
    expect(took).toBeLessThan(5000)
    if (ms > 800) expect(answers.every(({ type }) => type === 'unavailable')).toBe(true)
    if (ms < 100) expect(answers.map(({ type }) => type)).toEqual(['tokens', 'tokens', 'done', 'active'])
    expect(await recovered()).toBeLessThan(5000)
    await afterwards(all, answers)
    await expectNoViolation(since)
  })

  test('F5: the connection goes dark and nobody says so: answered within 3 s, and a new connection is made', async () => {
    const since = recorder.calls.length
    const all = await oneOfEach()
    proxy.blackHole('existing')
    const started = performance.now()
    const answers = await sendAll(all)
    expect(answers.map(({ type }) => type)).toEqual(all.map(() => 'unavailable'))
    // The old connection stays dark: only a new one can work.
    await recovered()
    expect(performance.now() - started).toBeLessThan(3000)
    await afterwards(all, answers)
    await expectNoViolation(since)
  })

  test('F5: every connection is reset, new ones too: 503 at once, and it works when they are let through', async () => {
    const since = recorder.calls.length
    const all = await oneOfEach()
    proxy.reset()
    const started = performance.now()
    const answers = await sendAll(all)
    expect(performance.now() - started).toBeLessThan(3000)
    expect(answers.map(({ type }) => type)).toEqual(all.map(() => 'unavailable'))
    proxy.pass()
    expect(await recovered()).toBeLessThan(5000)
    await afterwards(all, answers)
    await expectNoViolation(since)
  })
})
