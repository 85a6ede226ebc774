/**
 * F13, F14, F15: a replica is killed at each step of its work that src/ names, and started again; what was under way is
 * asked of the other one meanwhile. A step that no work of these tests reaches fails them.
 */
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { STORES, storeOf } from '../harness/keyward.ts'
import { invitation } from '../harness/registering.ts'
import { failPoints, namesIn, workOf } from './fail-points.ts'
import { violationsIn } from './history.ts'
import { launch, redemption } from './launch-scenarios.ts'
import { enrolment, registration } from './newcomer-scenarios.ts'
import { lanesOf, newRacers } from './one-time-codes.ts'
import { newPerson } from './person.ts'
import { consent, refusal, signIn, signOut, stop } from './person-scenarios.ts'
import { newRecorder } from './recorder.ts'
import { issuedIn, type Replicas, startReplicas } from './replicas.ts'
import { rounds, timeFor } from './rounds.ts'
import { secondFactor } from './second-factor-scenario.ts'
import { exchange, refresh, reuse, revocation, type Scenario, type Site } from './token-scenarios.ts'
import { eventsIn, expectAllAudited } from './unaudited.ts'

const KILLS = rounds(1, 20)
const isLong = KILLS > 1
const racers = newRacers(Math.min(60, 10 * KILLS))
const lanes = lanesOf(racers)
/** Once in peace and once for each kill, at the steps of enrolment. */
const newcomers = Array.from({ length: 3 * (KILLS + 2) }, (_, at) => `newcomer-${at}`)
const CONFIGURED = new Set(['maria', 'dr.lee', 'nobody', ...racers.map(({ username }) => username)])

/** By what a fail point belongs to: the fault's number, and what is under way. */
const WORK: Record<string, [string, Scenario]> = {
  code: ['F13', exchange],
  refresh: ['F14', refresh],
  revocation: ['F15', revocation],
  consent: ['F15', consent],
  refusal: ['F15', refusal],
  reuse: ['F13', reuse],
  enrolment: ['F15', enrolment(newcomers)],
  registration: ['F15', registration],
  stop: ['F15', stop],
  'sign-in': ['F15', signIn],
  'sign-out': ['F15', signOut],
  'second-factor': ['F15', secondFactor(lanes)],
  launch: ['F15', launch],
  redemption: ['F15', redemption],
  audit: ['F13', exchange],
  sqlite: ['F14', refresh],
  redis: ['F14', refresh]
}

test('each fail point of the source belongs to work that these tests interrupt, and there are many', () => {
  const points = failPoints()
  expect(points.filter((point) => WORK[workOf(point)] === undefined)).toEqual([])
  expect(points.length).toBeGreaterThan(20)
  expect(namesIn("reached(isOne ? 'one:audited' : 'other:audited')")).toEqual(['one:audited', 'other:audited'])
  expect(() => namesIn('reached(step)')).toThrow('names no step')
})

describe.each(STORES)('a replica is killed at a step, on %s', (store) => {
  let replicas: Replicas
  let site: Site
  beforeAll(
    async () => {
      replicas = await startReplicas(store, {
        racers,
        newcomers,
        registration: true,
        refreshRetry: '60s',
        preload: resolve(import.meta.dirname, 'preload.ts')
      })
      expect(await storeOf(replicas.issuer)).toBe(store)
      const recorder = newRecorder(replicas.issuer)
      const person = await newPerson(replicas.issuer, recorder, replicas.first.port)
      const [living, dying] = replicas.ports
      site = {
        issuer: replicas.issuer,
        recorder,
        person,
        living,
        dying,
        consentsSeen: new Set(),
        told: async (type, outcome) => {
          const events = await replicas.look(eventsIn)
          return events.filter((event) => event.type === type && event.outcome === outcome).length
        },
        expectAllAudited: () => replicas.look((stored) => expectAllAudited(stored, CONFIGURED)),
        invitation: () => replicas.look((stored) => invitation({ store: stored }))
      }
    },
    timeFor(racers.length + newcomers.length, 3000)
  )
  afterAll(() => replicas?.stop())

  /** Dies at the n-th reach; rejects where the work ends and the step was not reached. */
  async function killedAt(step: string, nth: number, scenario: Scenario): Promise<void> {
    const { attempt, settle } = await scenario(site)
    const { second } = replicas
    expect(await second.tell({ dieAt: step, nth })).toBe('armed')
    const died = second.ended().then(() => 'died' as const)
    const answered = site.recorder.perform([attempt]).then(([answer]) => answer)
    const first = await Promise.race([died, answered])
    if (first !== 'died' && first?.type !== 'lost') throw new Error(`${step} was not reached: ${JSON.stringify(first)}`)
    await died
    expect(await answered).toEqual({ type: 'lost' })
    await Promise.all([settle(), second.startAgain()])
  }

  const others = STORES.filter((each) => each !== store)
  const all = failPoints().filter((point) => !others.some((other) => workOf(point) === other))
  // The short form kills at each step on one of the stores, the long form on all.
  const points = all.filter((point, at) => isLong || workOf(point) === store || at % STORES.length === STORES.indexOf(store))
  test.each(points.map((point) => [WORK[workOf(point)]?.[0] ?? '', point]))(
    `%s: killed at %s, ${KILLS} times at least: all or nothing, and what was acknowledged stays`,
    async (_fault, point) => {
      const scenario = WORK[workOf(point)]?.[1]
      if (!scenario) throw new Error(`nothing interrupts ${workOf(point)}`)
      // Once in peace, to see how often the step is reached on the way.
      await replicas.second.tell({ stepsReached: true })
      const calm = await scenario(site)
      await site.recorder.perform([calm.attempt])
      const reaches = Number(Reflect.get(Object(await replicas.second.tell({ stepsReached: true })), point) ?? 0)
      expect([point, reaches > 0]).toEqual([point, true])
      // At each time that it is reached, at least: the first commit is another one than the last.
      for (let kill = 0; kill < (isLong ? Math.max(KILLS, Math.min(reaches, 4)) : KILLS); kill++)
        await killedAt(point, 1 + (kill % reaches), scenario)
    },
    timeFor(KILLS + 4, 20_000)
  )

  test('a step that is not reached is noticed', async () => {
    await expect(killedAt('no:such-step', 1, revocation)).rejects.toThrow('was not reached')
  })

  test('what the clients saw breaks no invariant, and the audit trail is intact and has every token and consent', async () => {
    const { calls } = site.recorder
    expect(calls.filter(({ answer }) => answer.type === 'lost').length).toBeGreaterThanOrEqual(points.length * KILLS)
    const trail = await replicas.audit()
    expect(violationsIn({ calls, issued: issuedIn(trail), mayLose: true })).toEqual([])
    const granted = new Set(trail.flatMap(({ event }) => (event.type === 'consent' ? [event.consentId] : [])))
    expect([...site.consentsSeen].filter((consentId) => !granted.has(consentId))).toEqual([])
  })
})
