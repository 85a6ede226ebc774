/**
 * F13, F14, F15: one of two replicas is killed, again and again, at another moment each time of exchanges, refreshes,
 * revocations and a person's Stop. What the app asks the other replica then is answered as if all of it, or nothing, had happened.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { STORES, storeOf } from '../harness/keyward.ts'
import { type Answer, violationsIn } from './history.ts'
import { type Held, newPerson, type Person } from './person.ts'
import { type Attempt, introspecting, newRecorder, type Recorder, redeeming, refreshing, revoking } from './recorder.ts'
import { type Replicas, startReplicas } from './replicas.ts'
import { rounds, timeFor } from './rounds.ts'

const KILLS = rounds(3, 1000)
const KILLS_WITH_STOP = rounds(2, 1000)
const OF_EACH = 4

describe.each(STORES)('a replica is killed, on %s', (store) => {
  let replicas: Replicas
  let recorder: Recorder
  let person: Person
  beforeAll(async () => {
    replicas = await startReplicas(store)
    expect(await storeOf(replicas.issuer)).toBe(store)
    recorder = newRecorder(replicas.issuer)
    person = await newPerson(replicas.issuer, recorder, replicas.first.port)
  })
  afterAll(() => replicas?.stop())

  const ask = async (attempt: Attempt): Promise<Answer> => (await recorder.perform([attempt]))[0] ?? { type: 'lost' }
  const times = <T>(make: () => Promise<T>): Promise<T[]> =>
    // One after another: the person has one browser.
    Array.from({ length: OF_EACH }).reduce<Promise<T[]>>(async (made) => [...(await made), await make()], Promise.resolve([]))

  interface Round {
    codes: string[]
    held: Held[]
    revoked: Held[]
    /** What is sent to the replica that dies. */
    attempts: Attempt[]
  }

  async function prepare(stops: boolean): Promise<Round> {
    const { second } = replicas
    const codes = await times(person.code)
    const held = await times(person.tokens)
    const revoked = await times(person.tokens)
    const ends = stops
      ? [await person.stopping(second.port, [...codes, ...[...held, ...revoked].map(({ refresh }) => refresh)])]
      : revoked.map(({ refresh }) => revoking(second.port, refresh))
    const attempts = [
      ...codes.map((code) => redeeming(second.port, code, person.verifier, person.fhirUser)),
      ...held.map(({ refresh }) => refreshing(second.port, refresh)),
      ...ends
    ]
    return { codes, held, revoked, attempts }
  }

  /** With the replica that lives: whoever has no answer asks again, and whoever has tokens uses them. */
  async function settle({ attempts, revoked }: Round, answers: Answer[], stops: boolean): Promise<void> {
    const { port } = replicas.first
    for (const [at, attempt] of attempts.entries()) {
      if (attempt.operation.type !== 'end' || answers[at]?.type === 'done') continue
      if (stops)
        await person
          .stopping(port, [])
          .then(({ form, ...rest }) => ask({ ...rest, form, operation: attempt.operation }), alreadyStopped)
      else expect(await ask({ ...attempt, port })).toEqual({ type: 'done' })
    }
    for (const { access } of revoked) expect(await ask(introspecting(port, access))).toEqual({ type: 'active', active: false })
    for (const [at, attempt] of attempts.entries()) {
      if (attempt.operation.type === 'end') continue
      const answer = answers[at]
      const tokens = answer?.type === 'tokens' ? answer : await ask({ ...attempt, port })
      if (tokens.type !== 'tokens') expect(tokens).toEqual({ type: 'refused', error: 'invalid_grant' })
      else if (!stops) {
        expect(await ask(introspecting(port, tokens.access))).toMatchObject({ type: 'active', active: true })
        expect((await ask(refreshing(port, tokens.refresh))).type).toBe('tokens')
      }
    }
  }

  test.each([
    ['F13, F14: exchanges, refreshes and revocations', KILLS, false],
    ['F15: exchanges, refreshes and the Stop of all of them', KILLS_WITH_STOP, true]
  ])(
    '%s, %i kills: all or nothing, wherever the kill comes',
    async (_what, kills, stops) => {
      const calm = await prepare(stops)
      await settle(calm, await recorder.perform(calm.attempts), stops)

      const seen = new Set<string>()
      for (let kill = 0; kill < kills; kill++) {
        const round = await prepare(stops)
        // From before the first answer to before the last one; in the long form, a little later now and then.
        const after = Math.floor((round.attempts.length * kill) / kills)
        const moment = Promise.withResolvers<void>()
        const asked = recorder.perform(round.attempts, (answered) => answered >= after && moment.resolve())
        await moment.promise
        if (kill > 2) await wait(kill % 4)
        await replicas.second.kill()
        const interrupted = await asked
        for (const { type } of interrupted) seen.add(type)
        await Promise.all([settle(round, interrupted, stops), replicas.second.startAgain()])
      }
      expect(seen).toContain('lost')
    },
    timeFor(KILLS, 10_000)
  )

  test('what the clients saw breaks no invariant, and the audit trail is intact and has every token', async () => {
    expect(violationsIn({ calls: recorder.calls, issued: await replicas.issued(), mayLose: true })).toEqual([])
  })
})

/** The account page had no button any more. */
function alreadyStopped(problem: unknown): void {
  if (!String(problem).includes('nothing to stop')) throw problem
}
