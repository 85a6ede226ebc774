import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { engineKind } from '../../src/oidc/engine-records.ts'
import { introspect } from '../harness/app-client.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { newVisit, pressAtAccount, tokensIn, type Visit, withoutSecondFactor } from '../harness/visit.ts'

const DAY = 24 * 60 * 60 * 1000
const INACTIVE = '{"active":false}'

describe.each(STORES)('Grants in use on %s', (store) => {
  let keyward: Keyward
  let visit: Visit
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withoutSecondFactor })
    expect(await storeOf(keyward.issuer)).toBe(store)
    visit = newVisit(keyward)
  })
  afterEach(() => void vi.useRealTimers())
  afterAll(() => keyward.stop())

  const pass = (days: number): void => void vi.setSystemTime(Date.now() + days * DAY)

  async function grantIds(): Promise<string[]> {
    return (await keyward.auditEvents('authorization')).flatMap(({ grantId }) => grantId ?? [])
  }

  test('SM-236, SM-238: an app that refreshes every 90 days is served for two years and longer, with its patient', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    let { refresh } = await visit.tokens()
    for (let days = 0; days < 800; days += 90) {
      pass(90)
      const next = tokensIn(await visit.app.refresh(refresh))
      expect({ days, status: next.response.status }).toEqual({ days, status: 200 })
      expect((await introspect(keyward.issuer, next.access)).body).toMatchObject({ active: true, patient: 'leo' })
      refresh = next.refresh
    }
    pass(94)
    expect((await visit.app.refresh(refresh)).body.error).toBe('invalid_grant')
  })

  test('the Grant is written anew only when half of its life is gone', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    let { refresh } = await visit.tokens()
    const id = (await grantIds()).at(-1) ?? ''
    const ends = async () => (await keyward.store.get(engineKind('Grant'), id))?.exp ?? 0
    const first = await ends()
    for (const [days, later] of [
      [90, 0],
      [90, 0],
      [90, 270]
    ] as const) {
      pass(days)
      refresh = tokensIn(await visit.app.refresh(refresh)).refresh
      expect(Math.round(((await ends()) - first) / 86400)).toBe(later)
    }
  })

  test('a Grant that was revoked is not brought back by a refresh that would have renewed it', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    let { refresh } = await visit.tokens()
    const id = (await grantIds()).at(-1) ?? ''
    for (let quarters = 0; quarters < 2; quarters++) {
      pass(90)
      refresh = tokensIn(await visit.app.refresh(refresh)).refresh
    }
    pass(90)
    // Both at once, in whichever order they come: afterwards there is no Grant.
    const [renewal, revocation] = await Promise.all([visit.app.refresh(refresh), visit.app.revoke(refresh)])
    expect(revocation.status).toBe(200)
    expect(await keyward.store.get(engineKind('Grant'), id)).toBeUndefined()
    if (renewal.status === 200) {
      const { access, refresh: successor } = tokensIn(renewal)
      expect((await introspect(keyward.issuer, access)).text).toBe(INACTIVE)
      expect((await visit.app.refresh(successor)).body.error).toBe('invalid_grant')
    } else expect(renewal.body.error).toBe('invalid_grant')
  })

  test('however a revocation and a renewal meet, the Grant is gone afterwards', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const launches = []
    for (let count = 0; count < 10; count++) launches.push(await visit.tokens())
    const ids = (await grantIds()).slice(-launches.length)
    for (let quarters = 0; quarters < 2; quarters++) {
      pass(90)
      for (const launch of launches) launch.refresh = tokensIn(await visit.app.refresh(launch.refresh)).refresh
    }
    pass(90)
    await Promise.all(launches.flatMap(({ refresh }) => [visit.app.refresh(refresh), visit.app.revoke(refresh)]))
    expect(await Promise.all(ids.map((id) => keyward.store.get(engineKind('Grant'), id)))).toEqual(ids.map(() => undefined))
  })

  test('an app that was stopped is not served again by its old refresh token after the person lets it in anew', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { refresh } = await visit.tokens()
    await pressAtAccount(visit, keyward, 'stop')
    expect((await visit.tokens()).response.status).toBe(200)
    pass(1)
    expect((await visit.app.refresh(refresh)).body.error).toBe('invalid_grant')
  })
})
