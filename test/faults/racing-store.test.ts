/**
 * That the races would show it: the same rounds over a store that looks first and writes then. Two Keywards in this
 * process, because no process takes such a store.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { createSealer } from '../../src/keys/sealing.ts'
import { openDriver } from '../../src/store/open-store.ts'
import { createStore } from '../../src/store/sealed-store.ts'
import type { Store } from '../../src/store/store.ts'
import { newClientKey, serviceConfig } from '../harness/backend-client.ts'
import { type Keyward, newSecrets, startKeyward } from '../harness/keyward.ts'
import { type RedisServer, startRedis } from '../harness/redis-server.ts'
import { readThenWrite } from '../store/read-then-write.ts'
import { violationsIn } from './history.ts'
import { newRacers } from './one-time-codes.ts'
import { newPerson } from './person.ts'
import { raceForAssertion, raceForCode, raceForConsent, raceForOneTimeCode, raceForRefresh, type Site } from './races.ts'
import { newRecorder } from './recorder.ts'
import { issuedIn } from './replicas.ts'

const racers = newRacers(2)
const services = [{ clientId: 'service', key: newClientKey('ES384') }]
let redis: RedisServer
let keywards: Keyward[]
let site: Site

beforeAll(async () => {
  redis = await startRedis()
  const secrets = newSecrets()
  const now = () => Date.now()
  const driver = await openDriver(redis.url, { now })
  const racing = createStore({
    driver: readThenWrite(driver),
    sealer: createSealer(secrets.sealingKeys),
    lookupKey: secrets.lookupKey,
    now
  })
  const first = await startKeyward({ store: 'redis', redis, secrets, change: withRacers, wrapStore: () => racing })
  const second = await startKeyward({
    store: 'redis',
    redis,
    secrets,
    change: (config) => ({ ...withRacers(config), issuer: first.issuer }),
    wrapStore: (): Store => racing
  })
  keywards = [second, first]
  const ports = [first.config.listen.port, second.config.listen.port]
  site = { issuer: first.issuer, ports, recorder: newRecorder(first.issuer) }
})
afterAll(async () => {
  for (const keyward of keywards) await keyward.stop()
  await redis.stop()
})

function withRacers(config: Config): Config {
  const [like] = config.accounts
  if (!like) throw new Error('the clinic has nobody')
  return {
    ...config,
    secondFactor: { ...config.secondFactor, patients: 'required', clinicians: 'off' },
    limits: { ...config.limits, codesPerAccount: 10_000 },
    clients: [...config.clients, ...services.map(({ clientId, key }) => serviceConfig(clientId, key))],
    accounts: [...config.accounts, ...racers.map(({ username, totp }) => ({ ...like, username, totp }))]
  }
}

test('over a store that gets, then puts, each race is won several times, and the history tells', async () => {
  const person = await newPerson(site.issuer, site.recorder, site.ports[1] ?? 0)
  for (const [race, invariant] of [
    [raceForCode(site, person), 'I1'],
    [raceForRefresh(site, person), 'I1'],
    [raceForOneTimeCode(site, racers), 'I2'],
    [raceForAssertion(site, services), 'I2'],
    [raceForConsent(site, person), 'I2']
  ] as const) {
    const before = site.recorder.calls.length
    expect(await race()).toBeGreaterThan(1)
    const calls = site.recorder.calls.slice(before)
    const issued = issuedIn((await keywards[0]?.audit()) ?? [])
    expect(violationsIn({ calls, issued }).map((violation) => violation.invariant)).toContain(invariant)
  }
})
