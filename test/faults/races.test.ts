/** Cases 28, 29, 47, 48, 56, 57, 110 and F17: one thing, asked for 25 times at once from two processes on one store. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newClientKey, serviceConfig } from '../harness/backend-client.ts'
import { STORES, storeOf } from '../harness/keyward.ts'
import { violationsIn } from './history.ts'
import { newRacers } from './one-time-codes.ts'
import { newPerson, type Person } from './person.ts'
import {
  type Race,
  raceForAssertion,
  raceForCode,
  raceForConsent,
  raceForOneTimeCode,
  raceForRefresh,
  raceOfFirstTokens,
  type Site
} from './races.ts'
import { introspecting, newRecorder, refreshing } from './recorder.ts'
import { type Replicas, startReplicas } from './replicas.ts'
import { rounds, timeFor } from './rounds.ts'

const TOKEN_ROUNDS = rounds(8)
const CODE_ROUNDS = rounds(2)
const services = ['service-a', 'service-b'].map((clientId) => ({ clientId, key: newClientKey('ES384') }))
const racers = newRacers(Math.min(120, Math.ceil(CODE_ROUNDS / 2)))

describe.each(STORES)('two replicas on %s', (store) => {
  let replicas: Replicas
  let site: Site
  let person: Person
  beforeAll(async () => {
    replicas = await startReplicas(store, { racers, services: services.map(({ clientId, key }) => serviceConfig(clientId, key)) })
    for (const port of replicas.ports) expect(await storeOf(`http://127.0.0.1:${port}`)).toBe(store)
    site = { issuer: replicas.issuer, ports: replicas.ports, recorder: newRecorder(replicas.issuer) }
    person = await newPerson(site.issuer, site.recorder, replicas.second.port)
  })
  afterAll(() => replicas?.stop())

  const races: [string, number, () => Race][] = [
    ['case 28: one code', TOKEN_ROUNDS, () => raceForCode(site, person)],
    ['case 56: one refresh token', TOKEN_ROUNDS, () => raceForRefresh(site, person)],
    ['case 57: the first of three refresh tokens', TOKEN_ROUNDS, () => raceOfFirstTokens(site, person)],
    ['case 47: one client assertion', TOKEN_ROUNDS, () => raceForAssertion(site, services.slice(0, 1))],
    ['case 48: one jti of two clients', TOKEN_ROUNDS, () => raceForAssertion(site, services)],
    ['F17: one consent', TOKEN_ROUNDS, () => raceForConsent(site, person)],
    ['case 110: one one-time code', CODE_ROUNDS, () => raceForOneTimeCode(site, racers)]
  ]
  test.each(races)(
    '%s, 25 times at once, %i rounds: one success in each, or the end of the family',
    async (_what, count, begin) => {
      const race = begin()
      const successes: number[] = []
      for (let round = 0; round < count; round++) successes.push(await race())
      expect(successes.filter((each) => each !== 1)).toEqual([])
    },
    timeFor(TOKEN_ROUNDS, 5000)
  )

  test(
    'case 29: after all these races the person stops the app, and every token that any of them gave is dead',
    async () => {
      const { recorder } = site
      const held = recorder.calls.flatMap(({ answer }) => (answer.type === 'tokens' ? [answer] : []))
      const last = await person.tokens()
      expect(
        await recorder.perform([
          await person.stopping(
            replicas.second.port,
            [...held, last].map(({ refresh }) => refresh)
          )
        ])
      ).toEqual([{ type: 'done' }])
      for (const { access, refresh } of [...held.slice(-40), last]) {
        const answers = await recorder.perform([
          introspecting(replicas.first.port, access),
          refreshing(replicas.first.port, refresh)
        ])
        expect(answers).toEqual([
          { type: 'active', active: false },
          { type: 'refused', error: 'invalid_grant' }
        ])
      }
    },
    timeFor(TOKEN_ROUNDS, 100)
  )

  test(
    'F17: what the clients saw breaks no invariant, and the audit trail is intact and has every token',
    async () => {
      const { calls } = site.recorder
      expect(calls.length).toBeGreaterThan(25 * (2 * TOKEN_ROUNDS + CODE_ROUNDS))
      expect(violationsIn({ calls, issued: await replicas.issued() })).toEqual([])
    },
    timeFor(TOKEN_ROUNDS, 100)
  )
})

describe.each(STORES)('two replicas with a window for second tries, on %s', (store) => {
  let replicas: Replicas
  beforeAll(async () => {
    replicas = await startReplicas(store, { refreshRetry: '60s' })
    expect(await storeOf(replicas.issuer)).toBe(store)
  })
  afterAll(() => replicas?.stop())

  test(
    `case 56: one refresh token, 25 times at once, ${TOKEN_ROUNDS} rounds: whoever is answered gets the same tokens, and they work`,
    async () => {
      const { issuer, ports } = replicas
      const recorder = newRecorder(issuer)
      const person = await newPerson(issuer, recorder, replicas.second.port)
      const race = raceForRefresh({ issuer, ports, recorder }, person)
      const successes: number[] = []
      for (let round = 0; round < TOKEN_ROUNDS; round++) successes.push(await race())
      expect(successes.filter((each) => each !== 1)).toEqual([])
      const looks = recorder.calls.filter(({ operation }) => operation.type === 'introspect')
      expect(looks.filter(({ answer }) => answer.type !== 'active' || !answer.active)).toEqual([])
      expect(violationsIn({ calls: recorder.calls, issued: await replicas.issued() })).toEqual([])
    },
    timeFor(TOKEN_ROUNDS, 5000)
  )
})
