/** What the claims of an assertion may be. */

import { createSign } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAssertions } from '../../../src/clients/assertions.ts'
import { createClientKeys } from '../../../src/clients/client-keys.ts'
import { assertionForm, type Changes, encoded } from '../../harness/backend-client.ts'
import { movableClock, openOn } from '../../store/engine.ts'
import { type Asserting, asserted, clientOf, FAILED, ISSUER, keys, now, startAsserting } from './asserting.ts'

let asserting: Asserting
beforeAll(async () => {
  asserting = await startAsserting()
})
afterAll(() => asserting.stop())
const { RS384: rsa } = keys
const show = (assertion: string) => asserting.show(assertion)

describe('case 45: SM-126: claims', () => {
  const wrong: [string, unknown[]][] = [
    ['iss', [undefined, '', null, 7, ['service'], { a: 1 }, 'nobody', 'svc', 'Service', 'service ', 'x'.repeat(300)]],
    ['sub', [undefined, '', null, 7, ['service'], 'nobody', 'svc', 'Service']],
    ['aud', [undefined, '', null, 7, {}, 'https://other.example/token']],
    ['exp', [undefined, '', null, true, [], {}]],
    ['jti', [undefined, '', null, 7, [], {}, 'x'.repeat(256)]]
  ]
  const rows = wrong.flatMap(([name, values]) => values.map((value): [string, unknown] => [name, value]))
  test.each(rows)('%s = %j is refused', async (name, value) => {
    expect(await show(asserted({ [name]: value }))).toMatchObject(FAILED)
  })

  test('iss and sub of another client that has the same keys are that client, and not this one', async () => {
    const assertion = asserted({ iss: 'svc', sub: 'svc' })
    expect(await asserting.authenticate({ ...assertionForm(assertion), client_id: 'service' })).toMatchObject(FAILED)
    expect(await show(assertion)).toMatchObject({ ok: true, client: { client_id: 'svc' } })
  })

  test.each(['[]', '"text"', '7', 'null', '{', ''])('claims that are %j are refused', async (text) => {
    const content = `${encoded({ typ: 'JWT', alg: 'RS384', kid: 'rsa-1' })}.${Buffer.from(text).toString('base64url')}`
    const signature = createSign('sha384').update(content).sign(rsa.privateKey, 'base64url')
    expect(await show(`${content}.${signature}`)).toMatchObject(FAILED)
  })

  test.each(['', 'a.b', 'a.b.c', 'a.b.c.d', '...', 'é.é.é', 'x'.repeat(20_000)])('%j is no assertion', async (text) => {
    expect(await show(text)).toMatchObject(FAILED)
  })
})

describe('case 46: SM-127: times', () => {
  const refused: [string, () => Changes][] = [
    ['exp 331 s ahead: five minutes and the tolerance of 30 s', () => ({ exp: now() + 332 })],
    ['exp an hour ahead', () => ({ exp: now() + 3600 })],
    ['exp ten years ahead', () => ({ exp: now() + 315_360_000 })],
    ['exp in milliseconds', () => ({ exp: Date.now() + 300_000 })],
    ['exp 1e308', () => ({ exp: 1e308 })],
    ['exp as text', () => ({ exp: String(now() + 300) })],
    ['exp below zero', () => ({ exp: -1 })],
    ['expired, and the tolerance of 30 s over', () => ({ exp: now() - 31 })],
    ['nbf in the future', () => ({ nbf: now() + 60 })],
    ['nbf as text', () => ({ nbf: String(now()) })],
    ['iat in the future', () => ({ iat: now() + 60 })],
    ['iat as text', () => ({ iat: String(now()) })]
  ]
  test.each(refused)('%s is refused', async (_what, claims) => {
    expect(await show(asserted(claims()))).toMatchObject(FAILED)
  })

  test.each<[string, () => Changes]>([
    ['exp five minutes ahead', () => ({ exp: now() + 300 })],
    ['exp five minutes ahead by a clock that is 20 s ahead', () => ({ exp: now() + 320, iat: now() + 20, nbf: now() + 20 })],
    ['just expired by a clock that is behind', () => ({ exp: now() - 10 })],
    ['no iat', () => ({ iat: undefined })]
  ])('mistake 18: %s is accepted', async (_what, claims) => {
    expect(await show(asserted(claims()))).toMatchObject({ ok: true })
  })

  test('SM-129: used once, the latest there can be is refused for as long as it would be accepted, and kept for at most six minutes', async () => {
    const at = movableClock()
    const store = await openOn('sqlite::memory:', at.now)
    const lives: number[] = []
    const assertions = createAssertions({
      issuer: ISSUER,
      find: async () => clientOf('service', { jwks: { keys: [rsa.jwk] } }),
      store: {
        ...store,
        create(kind, id, record, options) {
          lives.push((options?.expiresAt ?? Number.POSITIVE_INFINITY) - at.now())
          return store.create(kind, id, record, options)
        }
      },
      keys: createClientKeys({ remoteKeys: { find: async () => 'no-such-key' } }),
      fence: { notBefore: () => 0 },
      now: at.now
    })
    const form = assertionForm(asserted({ exp: now() + 329 }))
    expect(await assertions.check(form)).toMatchObject({ ok: true })
    for (let second = 0; second < 380; second += 20) {
      expect(await assertions.check(form)).toMatchObject({ ok: false })
      at.move(20_000)
    }
    expect(Math.max(...lives)).toBeLessThanOrEqual(360_000)
  })
})
