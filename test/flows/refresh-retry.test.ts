/** The honest retry of a refresh whose answer was lost: lifetimes.refreshRetry, by its default. With 0s, refresh.test.ts and token-races.test.ts hold. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { refreshTokens } from '../../src/oidc/token/records.ts'
import { successorOf } from '../../src/oidc/token/refresh-retry.ts'
import { introspect, newApp } from '../harness/app-client.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import {
  LAB_APP,
  newVisit,
  pressAtAccount,
  recorded,
  SECOND_APP,
  type Tokens,
  theRecordOf,
  tokensIn,
  type Visit,
  withoutSecondFactor
} from '../harness/visit.ts'

const WINDOW = 10
const AT_ONCE = 25
const ROUNDS = 4
const INVALID_GRANT = { status: 400, body: { error: 'invalid_grant' } }
const PARTIES = { accountId: expect.any(String), clientId: 'heart-app', fhirServer: 'clinic', patient: 'leo' }
const GRANT_ENDED = { type: 'token-reuse', outcome: 'grant-ended', what: 'refresh-token', ...PARTIES }
const ISSUED_AGAIN = { type: 'token', outcome: 'issued', reason: 'retry', grantType: 'refresh_token', ...PARTIES }

const withLifetimes =
  (lifetimes: Partial<Config['lifetimes']>) =>
  (config: Config): Config => ({ ...withoutSecondFactor(config), lifetimes: { ...config.lifetimes, ...lifetimes } })

describe.each(STORES)('the retry of a refresh on %s', (store) => {
  let folder: string
  let keyward: Keyward
  let visit: Visit
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyward-retry-'))
    keyward = await startKeyward({ store, change: withoutSecondFactor, storeUrl: `sqlite:${join(folder, 'keyward.db')}` })
    expect(await storeOf(keyward.issuer)).toBe(store)
    expect(keyward.config.lifetimes.refreshRetry).toBe(WINDOW)
    visit = newVisit(keyward)
  })
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
  afterEach(() => void vi.useRealTimers())
  afterAll(async () => {
    await keyward.stop()
    rmSync(folder, { recursive: true })
  })

  const pass = (seconds: number): void => void vi.setSystemTime(Date.now() + seconds * 1000)
  const isActive = async ({ access }: Tokens): Promise<unknown> => (await introspect(keyward.issuer, access)).body.active

  /** A refresh, and what it answered. */
  async function refreshed({ refresh }: Tokens): Promise<Tokens> {
    const response = await visit.app.refresh(refresh)
    expect(response.status).toBe(200)
    return tokensIn(response)
  }

  async function expectAllDead(family: Tokens[]): Promise<void> {
    for (const tokens of family) {
      expect(await isActive(tokens)).toBe(false)
      expect(await visit.app.refresh(tokens.refresh)).toMatchObject(INVALID_GRANT)
    }
  }

  test('case 64: within the window it brings the same tokens, however often, and the chain goes on from them', async () => {
    const first = await visit.tokens()
    const second = await refreshed(first)
    for (const seconds of [1, WINDOW - 1.001]) {
      pass(seconds)
      let again: Tokens | undefined
      const event = await theRecordOf(keyward, async () => {
        again = await refreshed(first)
      })
      expect(event).toEqual({ ...ISSUED_AGAIN, grantId: expect.any(String), scopes: second.response.body.scope?.split(' ') })
      expect(again).toMatchObject({ access: second.access, refresh: second.refresh })
      const { scope, patient, token_type } = second.response.body
      expect(again?.response.body).toMatchObject({ scope, patient, token_type, id_token: expect.any(String) })
    }
    expect(await isActive(second)).toBe(true)
    const third = await refreshed(second)
    expect(third.refresh).not.toBe(second.refresh)
    expect(await isActive(third)).toBe(true)
  })

  test('case 64: what is left of the access token is said anew', async () => {
    const first = await visit.tokens()
    // A whole second: then none more or less goes by in between.
    vi.setSystemTime(Math.ceil(Date.now() / 1000) * 1000)
    expect((await refreshed(first)).response.body.expires_in).toBe(900)
    pass(7)
    expect((await refreshed(first)).response.body.expires_in).toBe(893)
  })

  test('case 64: a narrowed refresh brings its narrow tokens again, whatever the retry asks for', async () => {
    const first = await visit.tokens()
    const scope = 'launch/patient patient/Patient.rs'
    const narrowed = await visit.app.refresh(first.refresh, { scope })
    const again = await visit.app.refresh(first.refresh)
    expect(again.body).toMatchObject({ access_token: narrowed.body.access_token, scope: narrowed.body.scope, patient: 'leo' })
    expect(again.body.scope?.split(' ').sort()).toEqual(scope.split(' '))
  })

  test('case 64: after the window it ends the family, and the trail says so', async () => {
    const first = await visit.tokens()
    const second = await refreshed(first)
    pass(WINDOW)
    const event = await theRecordOf(keyward, async () => {
      expect(await visit.app.refresh(first.refresh)).toMatchObject(INVALID_GRANT)
    })
    expect(event).toMatchObject(GRANT_ENDED)
    await expectAllDead([first, second])
  })

  test('case 57: the token before the last, all in one second, ends the family', async () => {
    const first = await visit.tokens()
    const second = await refreshed(first)
    const third = await refreshed(second)
    const event = await theRecordOf(keyward, async () => {
      expect(await visit.app.refresh(first.refresh)).toMatchObject(INVALID_GRANT)
    })
    expect(event).toMatchObject(GRANT_ENDED)
    await expectAllDead([first, second, third])
  })

  test('case 57: the direct predecessor of the last one is answered, from which only one chain goes on', async () => {
    const second = await refreshed(await visit.tokens())
    const third = await refreshed(second)
    expect(await refreshed(second)).toMatchObject({ access: third.access, refresh: third.refresh })
    const fourth = await refreshed(third)
    expect(await visit.app.refresh(second.refresh)).toMatchObject(INVALID_GRANT)
    await expectAllDead([third, fourth])
  })

  test('case 63: a token that has expired is refused inside the window', async () => {
    const short = await startKeyward({
      store,
      change: withLifetimes({ refreshToken: 5 })
    })
    try {
      const other = newVisit(short)
      const first = await other.tokens()
      expect((await other.app.refresh(first.refresh)).status).toBe(200)
      pass(4)
      expect((await other.app.refresh(first.refresh)).status).toBe(200)
      pass(1)
      expect(await other.app.refresh(first.refresh)).toMatchObject(INVALID_GRANT)
    } finally {
      await short.stop()
    }
  })

  test('no window is open longer than the access token that it would bring lives', async () => {
    const short = await startKeyward({
      store,
      change: withLifetimes({ accessToken: 5 })
    })
    try {
      const other = newVisit(short)
      const first = await other.tokens()
      expect((await other.app.refresh(first.refresh)).status).toBe(200)
      pass(5)
      expect(await other.app.refresh(first.refresh)).toMatchObject(INVALID_GRANT)
    } finally {
      await short.stop()
    }
  })

  test.each([
    ['a public client', SECOND_APP],
    ['an authenticated client', LAB_APP]
  ])('case 58: %s that sends the spent token of another gets nothing, and ends nothing', async (_, options) => {
    const first = await visit.tokens()
    const second = await refreshed(first)
    const event = await theRecordOf(keyward, async () => {
      expect(await newApp(keyward.issuer, options).refresh(first.refresh)).toMatchObject(INVALID_GRANT)
    })
    expect(event).toMatchObject({ type: 'token', outcome: 'refused', clientId: options.clientId })
    expect(await refreshed(first)).toMatchObject({ refresh: second.refresh })
    expect(await isActive(second)).toBe(true)
  })

  test('a client that has a secret must show it again', async () => {
    const lab = newVisit(keyward, LAB_APP, visit.browser)
    const { refresh } = await lab.tokens()
    expect((await lab.app.refresh(refresh)).status).toBe(200)
    const wrong = newApp(keyward.issuer, { ...LAB_APP, secret: 'not-the-secret-of-the-lab-app' })
    expect(await wrong.refresh(refresh)).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    expect((await lab.app.refresh(refresh)).status).toBe(200)
  })

  test('case 60: it is refused once the consent is stopped', async () => {
    const first = await visit.tokens()
    const second = await refreshed(first)
    await pressAtAccount(visit, keyward, 'stop')
    const event = await theRecordOf(keyward, async () => {
      expect(await visit.app.refresh(first.refresh)).toMatchObject(INVALID_GRANT)
    })
    expect(event).toMatchObject({ type: 'token', outcome: 'refused', ...PARTIES })
    await expectAllDead([first, second])
  })

  test('a code is good once, window or not', async () => {
    const code = await visit.code()
    const tokens = tokensIn(await visit.app.redeem(code))
    expect(await visit.app.redeem(code)).toMatchObject(INVALID_GRANT)
    expect(await isActive(tokens)).toBe(false)
  })

  test('case 56: 25 refreshes of one token at once all get the same tokens, from which one chain goes on', async () => {
    vi.useRealTimers()
    for (let round = 0; round < ROUNDS; round++) {
      const { refresh } = await visit.tokens()
      let answers: Tokens[] = []
      const records = await recorded(keyward, async () => {
        answers = (await Promise.all(Array.from({ length: AT_ONCE }, () => visit.app.refresh(refresh)))).map(tokensIn)
      })
      expect(answers.map(({ response }) => response.status)).toEqual(Array(AT_ONCE).fill(200))
      expect(new Set(answers.map(({ access }) => access)).size).toBe(1)
      expect(new Set(answers.map((tokens) => tokens.refresh)).size).toBe(1)
      for (const { response } of answers) expect(response.body).toMatchObject({ patient: 'leo', token_type: 'Bearer' })
      const retries = records.filter(({ event }) => event.type === 'token' && event.reason === 'retry')
      expect(retries).toHaveLength(AT_ONCE - 1)
      for (const { event } of retries) expect(event).toMatchObject(ISSUED_AGAIN)

      const [one] = answers
      if (!one) throw new Error('there are answers')
      expect(await isActive(one)).toBe(true)
      const next = await refreshed(one)
      // What went before the last but one is a reuse, whoever of the 25 it is.
      expect(await visit.app.refresh(refresh)).toMatchObject(INVALID_GRANT)
      await expectAllDead([one, next])
    }
  })

  test('case 147: neither the bytes of the store nor the opened record hold a token, and only the old token opens its successor', async () => {
    const first = await visit.tokens()
    const second = await refreshed(first)
    const third = await refreshed(second)
    const bytes = await bytesOf(keyward, folder)
    expect(bytes).toContain('RefreshToken')
    for (const { access, refresh } of [first, second, third])
      for (const token of [access, refresh]) expect(bytes.includes(token)).toBe(false)

    const record = await keyward.store.get(refreshTokens, second.refresh)
    if (!record) throw new Error('a spent token leaves its record')
    const text = JSON.stringify(record)
    for (const token of [third.access, third.refresh]) {
      expect(text).not.toContain(token)
      expect(text).not.toContain(Buffer.from(token).toString('base64').slice(0, -4))
    }
    const successor = await successorOf(keyward.store, second.refresh, record, Date.now())
    expect(successor).toMatchObject({ access_token: third.access, refresh_token: third.refresh })
    await expect(successorOf(keyward.store, first.refresh, record, Date.now())).rejects.toThrow('changed, moved or sealed')
  })
})

/** What lies in the store, as bytes in Latin-1. */
async function bytesOf({ redis }: Keyward, folder: string): Promise<string> {
  if (!redis) return readdirSync(folder).reduce((all, file) => all + readFileSync(join(folder, file), 'latin1'), '')
  const dumps = redis.nodes.map(async (url) => {
    const client = new Redis(url)
    try {
      // As it is, unlike in DUMP: that may be compressed.
      await client.config('SET', 'rdbcompression', 'no')
      return await Promise.all((await client.keys('*')).map(async (key) => `${key}${await client.dumpBuffer(key)}`))
    } finally {
      await client.quit()
    }
  })
  return (await Promise.all(dumps)).flat().join('')
}
