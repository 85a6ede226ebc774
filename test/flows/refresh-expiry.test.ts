/** Case 62: how long a refresh token lasts: three calendar months since its last use, however often that was, and not a second longer. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { introspect } from '../harness/app-client.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { newVisit, SECOND_APP, tokensIn, withoutSecondFactor } from '../harness/visit.ts'

const DAY = 86_400
const LIFETIME = 93 * DAY
const INVALID_GRANT = { status: 400, body: { error: 'invalid_grant' } }

describe.each(STORES)('the end of a refresh token on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({
      store,
      change: (config) =>
        withoutSecondFactor({
          ...config,
          clients: config.clients.map((one) =>
            one.client_id === 'second-app' ? { ...one, refresh_token_absolute: 100 * DAY } : one
          )
        })
    })
    expect(await storeOf(keyward.issuer)).toBe(store)
    expect(keyward.config.lifetimes.refreshToken).toBe(LIFETIME)
  })
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] })
    // A whole second: records count in these.
    vi.setSystemTime(Math.ceil(Date.now() / 1000) * 1000)
  })
  afterEach(() => void vi.useRealTimers())
  afterAll(() => keyward?.stop())

  const pass = (seconds: number): void => void vi.setSystemTime(Date.now() + seconds * 1000)

  test('case 62, mistake 34: 90 days, one use and 90 days more: it works, for patient and scope of the launch', async () => {
    const visit = newVisit(keyward)
    const first = await visit.tokens()
    pass(90 * DAY)
    const second = tokensIn(await visit.app.refresh(first.refresh))
    pass(90 * DAY)
    const third = tokensIn(await visit.app.refresh(second.refresh))
    expect(third.response).toMatchObject({ status: 200, body: { patient: 'leo', scope: first.response.body.scope } })
    expect((await introspect(keyward.issuer, third.access)).body.active).toBe(true)
  })

  test('case 62: a second before its end it works', async () => {
    const visit = newVisit(keyward)
    const { refresh } = await visit.tokens()
    pass(LIFETIME - 1)
    expect((await visit.app.refresh(refresh)).status).toBe(200)
  })

  test.each([
    ['at its end', LIFETIME],
    ['a year later', 365 * DAY]
  ])('case 62: %s an unused one is refused', async (_when, seconds) => {
    const visit = newVisit(keyward)
    const { refresh } = await visit.tokens()
    pass(seconds)
    expect(await visit.app.refresh(refresh)).toMatchObject(INVALID_GRANT)
  })

  test('case 62: with an absolute end, use prolongs it up to that end and no further; other apps have none', async () => {
    const ended = newVisit(keyward, SECOND_APP)
    const other = newVisit(keyward)
    let [own, others] = [await ended.tokens(), await other.tokens()]
    pass(90 * DAY)
    own = tokensIn(await ended.app.refresh(own.refresh))
    others = tokensIn(await other.app.refresh(others.refresh))
    pass(10 * DAY - 1)
    const last = await ended.app.refresh(own.refresh)
    expect(last.status).toBe(200)
    pass(1)
    for (const refresh of [own.refresh, tokensIn(last).refresh])
      expect(await ended.app.refresh(refresh)).toMatchObject(INVALID_GRANT)
    expect((await other.app.refresh(others.refresh)).status).toBe(200)
  })

  test('case 62: after use the end is counted anew, and holds', async () => {
    const visit = newVisit(keyward)
    const { refresh } = await visit.tokens()
    pass(90 * DAY)
    const second = tokensIn(await visit.app.refresh(refresh))
    pass(LIFETIME)
    expect(await visit.app.refresh(second.refresh)).toMatchObject(INVALID_GRANT)
    expect((await introspect(keyward.issuer, second.access)).body.active).toBe(false)
  })
})
