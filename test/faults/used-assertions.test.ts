/**
 * Case 47: an assertion that was used is refused by every replica, whatever has been killed and begun again meanwhile,
 * an empty store included. That it is won once by many at once is in races.test.ts.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Alg, assertionForm, type ClientKey, newClientKey, newService, serviceConfig } from '../harness/backend-client.ts'
import { STORES, storeOf } from '../harness/keyward.ts'
import { atOnce } from './barrier.ts'
import { type Replicas, startReplicas } from './replicas.ts'

const ALGS = ['RS384', 'ES384'] as const
const keys: Record<Alg, ClientKey> = { RS384: newClientKey('RS384'), ES384: newClientKey('ES384') }
const REFUSED = { status: 401, error: 'invalid_client' }

interface Answer {
  status: number
  error?: string
}

describe.each(STORES)('case 47: SM-129: two replicas on %s', (store) => {
  let replicas: Replicas
  beforeAll(async () => {
    replicas = await startReplicas(store, { services: ALGS.map((alg) => serviceConfig(alg, keys[alg])) })
    for (const port of replicas.ports) expect(await storeOf(`http://127.0.0.1:${port}`)).toBe(store)
  })
  afterAll(() => replicas?.stop())

  const newAssertion = (alg: Alg = 'ES384') => newService(replicas.issuer, alg, keys[alg]).assertion()

  async function show(port: number, assertion: string): Promise<Answer> {
    const form = { grant_type: 'client_credentials', scope: 'system/*.rs', ...assertionForm(assertion) }
    const [received] = await atOnce(replicas.issuer, [{ port, path: '/token', form }])
    if (!received || !('text' in received)) return { status: 0 }
    return { status: received.status, ...JSON.parse(received.text) }
  }

  /** The first answer that is more than that the replica is still finding its store again. */
  async function onceBack(port: number, assertion: () => string, isBack: (answer: Answer) => boolean): Promise<Answer> {
    const deadline = performance.now() + 60_000
    for (;;) {
      const answer = await show(port, assertion())
      if (isBack(answer) || performance.now() > deadline) return answer
      await wait(100)
    }
  }

  test('used at one replica, it is refused by the other', async () => {
    for (const alg of ALGS) {
      const used = newAssertion(alg)
      expect(await show(replicas.first.port, used)).toMatchObject({ status: 200 })
      expect(await show(replicas.second.port, used)).toMatchObject(REFUSED)
      expect(await show(replicas.first.port, used)).toMatchObject(REFUSED)
    }
  })

  test('after both processes were killed and started again, it is refused', async () => {
    const used = newAssertion()
    expect(await show(replicas.first.port, used)).toMatchObject({ status: 200 })
    for (const replica of [replicas.first, replicas.second]) {
      await replica.kill()
      await replica.startAgain()
    }
    for (const port of replicas.ports) expect(await show(port, used)).toMatchObject(REFUSED)
    expect(await show(replicas.second.port, newAssertion())).toMatchObject({ status: 200 })
  }, 120_000)

  // A file is not killed: what stands for it is the test above.
  const restarts: [string, 'empty' | undefined][] = [
    ['with what it had written', undefined],
    ['empty', 'empty']
  ]
  test.each(store === 'redis' ? restarts : [])(
    'after Redis was killed and started again, %s, it is refused, and soon a new one is good',
    async (_how, how) => {
      const { redis } = replicas.first
      const used = ALGS.map((alg) => newAssertion(alg))
      for (const assertion of used) expect(await show(replicas.first.port, assertion)).toMatchObject({ status: 200 })
      await redis?.kill()
      await redis?.restart(how)
      for (const port of replicas.ports)
        for (const assertion of used) {
          const decided = ({ status }: Answer) => status === 200 || status === 401
          expect(await onceBack(port, () => assertion, decided)).toMatchObject(REFUSED)
        }
      for (const port of replicas.ports)
        expect(await onceBack(port, newAssertion, ({ status }) => status === 200)).toMatchObject({ status: 200 })
    },
    120_000
  )
})
