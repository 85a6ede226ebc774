import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { introspect, newApp } from '../harness/app-client.ts'
import { FHIR_BASE } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { type RedisServer, startRedis } from '../harness/redis-server.ts'
import {
  LAB_APP,
  newVisit,
  pressAtAccount,
  recorded,
  SECOND_APP,
  theRecordOf,
  type Visit,
  withoutSecondFactor
} from '../harness/visit.ts'

const INACTIVE = '{"active":false}'

describe.each(STORES)('revocation on %s', (store) => {
  let keyward: Keyward
  let visit: Visit
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withoutSecondFactor })
    expect(await storeOf(keyward.issuer)).toBe(store)
    visit = newVisit(keyward)
  })
  afterAll(() => keyward.stop())

  const isActive = async (token: string): Promise<unknown> => (await introspect(keyward.issuer, token)).body.active

  test.each(['refresh', 'access'] as const)(
    'case 66: revoking the %s token ends both, and every repetition is a 200',
    async (kind) => {
      const { access, refresh, response } = await visit.tokens()
      const event = await theRecordOf(keyward, async () => {
        const answer = await visit.app.revoke(kind === 'access' ? access : refresh)
        expect({ status: answer.status, text: await answer.text() }).toEqual({ status: 200, text: '' })
      })
      expect(event).toEqual({
        type: 'revocation',
        outcome: 'revoked',
        accountId: expect.any(String),
        clientId: 'heart-app',
        fhirServer: 'clinic',
        patient: response.body.patient,
        grantId: expect.any(String)
      })
      expect((await introspect(keyward.issuer, access)).text).toBe(INACTIVE)
      expect((await visit.app.refresh(refresh)).body.error).toBe('invalid_grant')
      for (const token of [access, refresh, access]) expect((await visit.app.revoke(token)).status).toBe(200)
    }
  )

  test.each(['access_token', 'refresh_token', 'something_else', undefined])(
    'case 66: the hint %s does not decide what is revoked',
    async (token_type_hint) => {
      const { access, refresh } = await visit.tokens()
      expect((await visit.app.revoke(refresh, { token_type_hint })).status).toBe(200)
      expect(await isActive(access)).toBe(false)
    }
  )

  test('case 66: SM-274: a refreshed token, the one before it and another launch: the first two end together, the last lives on', async () => {
    const other = await visit.tokens()
    const { access, refresh } = await visit.tokens()
    const next = await visit.app.refresh(refresh)
    expect((await visit.app.revoke(next.body.refresh_token ?? '')).status).toBe(200)
    expect(await isActive(access)).toBe(false)
    expect(await isActive(next.body.access_token ?? '')).toBe(false)
    expect(await isActive(other.access)).toBe(true)
    expect((await visit.app.refresh(other.refresh)).status).toBe(200)
  })

  test.each([
    ['public client', 'access', SECOND_APP],
    ['public client', 'refresh', SECOND_APP],
    ['authenticated client', 'access', LAB_APP],
    ['authenticated client', 'refresh', LAB_APP]
  ] as const)('case 67: a %s that revokes the %s token of another changes nothing, and is not told', async (_, kind, options) => {
    const tokens = await visit.tokens()
    const stranger = newApp(keyward.issuer, options)
    const event = await theRecordOf(keyward, async () => {
      const answer = await stranger.revoke(tokens[kind])
      expect({ status: answer.status, text: await answer.text() }).toEqual({ status: 200, text: '' })
    })
    expect(event).toMatchObject({ type: 'revocation', outcome: 'refused', clientId: options.clientId })
    expect(await isActive(tokens.access)).toBe(true)
    expect((await visit.app.refresh(tokens.refresh)).status).toBe(200)
  })

  test.each([
    ['an unknown token', 'unknown'],
    ['an unknown access token', `kw_at_AAAAAAAA.${'A'.repeat(43)}`],
    ['an unknown refresh token', `kw_rt_AAAAAAAA.${'A'.repeat(43)}`],
    ['a JWT', `eyJhbGciOiJub25lIn0.${Buffer.from('{"jti":"x"}').toString('base64url')}.`],
    ['four dots', '....'],
    ['10,000 letters', 'x'.repeat(10_000)]
  ])('case 67: SM-269: %s is answered like one that was revoked', async (_, token) => {
    const event = await theRecordOf(keyward, async () => {
      const answer = await visit.app.revoke(token)
      expect({ status: answer.status, text: await answer.text() }).toEqual({ status: 200, text: '' })
    })
    expect(event).toMatchObject({ type: 'revocation', outcome: 'refused', reason: 'no-such-token', clientId: 'heart-app' })
  })

  test.each<[string, Record<string, string>]>([
    ['no client', {}],
    ['an unknown client', { client_id: 'nobody' }],
    ['a confidential client that does not authenticate', { client_id: 'lab-app' }]
  ])('case 67: %s revokes nothing and is answered with 401', async (_, identity) => {
    const { access, refresh } = await newVisit(keyward, LAB_APP, visit.browser).tokens()
    const event = await theRecordOf(keyward, async () => {
      const body = new URLSearchParams({ token: refresh, ...identity })
      const answer = await fetch(`${keyward.issuer}/revoke`, { method: 'POST', body })
      expect(answer.status).toBe(401)
      expect(JSON.parse(await answer.text())).toMatchObject({ error: 'invalid_client' })
    })
    expect(event).toMatchObject({ type: 'revocation', outcome: 'refused' })
    expect(await isActive(access)).toBe(true)
  })

  test('case 72: SM-105, SM-239, SM-270, SM-271, SM-272, SM-274: an app that is stopped loses access and refresh at once, and its other launches with it', async () => {
    const [first, second] = [await visit.tokens(), await visit.tokens()]
    const other = await newVisit(keyward, SECOND_APP, visit.browser).tokens()
    const records = await recorded(keyward, () => pressAtAccount(visit, keyward, 'stop'))
    expect(records.map(({ event }) => event)).toEqual([
      {
        type: 'access-ended',
        outcome: 'ended',
        accountId: expect.any(String),
        consentId: expect.any(String),
        clientId: 'heart-app',
        fhirServer: 'clinic',
        patient: 'leo'
      }
    ])
    for (const tokens of [first, second]) {
      expect((await introspect(keyward.issuer, tokens.access)).text).toBe(INACTIVE)
      expect(await visit.app.refresh(tokens.refresh)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    }
    expect(await isActive(other.access)).toBe(true)
  })
})

/** Faults of a real Redis: it is gone, it does not answer, it refuses writes, it refuses one of two writes. */
describe('case 68: revocation while the store fails', () => {
  let redis: RedisServer
  let keyward: Keyward
  let visit: Visit
  beforeAll(async () => {
    // What was acknowledged has to be there after a kill.
    redis = await startRedis({ arguments: ['--appendfsync', 'always'] })
    keyward = await startKeyward({ store: 'redis', redis, change: withoutSecondFactor })
    visit = newVisit(keyward)
  })
  afterAll(async () => {
    await keyward.stop()
    await redis.stop()
  })

  async function ask(command: string, ...values: string[]): Promise<void> {
    const admin = new Redis(redis.url)
    await admin.call(command, ...values)
    admin.disconnect()
  }

  const faults: [string, () => Promise<void> | void, () => Promise<void> | void][] = [
    ['gone', () => redis.kill(), () => redis.restart()],
    ['silent', () => redis.pause(), () => redis.resume()],
    [
      'refusing writes',
      () => ask('CONFIG', 'SET', 'min-replicas-to-write', '1'),
      () => ask('CONFIG', 'SET', 'min-replicas-to-write', '0')
    ],
    [
      'refusing to delete Grants',
      () => ask('ACL', 'SETUSER', 'default', 'resetkeys', '%R~*', '~*:AccessToken:*', '~*:RefreshToken:*', '~*:audit*'),
      () => ask('ACL', 'SETUSER', 'default', 'allkeys')
    ]
  ]

  test.each(faults)(
    'while it is %s the answer is 503, the tokens stay as they were, and a second try ends them',
    async (_, fail, mend) => {
      const { access, refresh } = await visit.tokens()
      await fail()
      let failed: Response
      try {
        failed = await visit.app.revoke(refresh)
      } finally {
        await mend()
      }
      expect(failed.status).toBe(503)
      expect(Number(failed.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(await failed.text()).not.toContain('Redis')
      await expect.poll(async () => (await fetch(`${keyward.issuer}/readyz`)).status, { timeout: 20_000 }).toBe(200)
      expect((await introspect(keyward.issuer, access)).body).toMatchObject({ active: true, aud: FHIR_BASE })

      expect((await visit.app.revoke(refresh)).status).toBe(200)
      expect((await introspect(keyward.issuer, access)).text).toBe(INACTIVE)
      expect((await visit.app.refresh(refresh)).body.error).toBe('invalid_grant')
    }
  )
})
