import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { introspect, type TokenResponse } from '../harness/app-client.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { newVisit, strictly, type Tokens, tokensIn, type Visit } from '../harness/visit.ts'

const AT_ONCE = 25
const ROUNDS = 8

/** In one process; over two, see the load tests. The loser of a race ends the Grant: which of them was the thief nobody can tell. */
describe.each(STORES)('races for one token on %s', (store) => {
  let keyward: Keyward
  let visit: Visit
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: strictly })
    expect(await storeOf(keyward.issuer)).toBe(store)
    visit = newVisit(keyward)
    await visit.code()
  })
  afterAll(() => keyward.stop())

  async function race(ask: () => Promise<TokenResponse>): Promise<Tokens[]> {
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, ask))
    const winners = answers.filter(({ status }) => status === 200)
    const losers = answers.filter(({ status }) => status !== 200)
    expect(winners).toHaveLength(1)
    for (const loser of losers) expect(loser).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    return winners.map(tokensIn)
  }

  async function expectDead(tokens: Tokens[]): Promise<void> {
    for (const { access, refresh } of tokens) {
      expect((await introspect(keyward.issuer, access)).text).toBe('{"active":false}')
      expect((await visit.app.refresh(refresh)).body.error).toBe('invalid_grant')
    }
  }

  test('case 28: of 25 redemptions of one code at once exactly one is answered with tokens, and they end at once', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const code = await visit.code()
      const before = (await keyward.audit()).length
      await expectDead(await race(() => visit.app.redeem(code)))
      const since = (await keyward.audit()).slice(before).map(({ event }) => event)
      const ends = since.filter(({ type, outcome }) => outcome === 'withdrawn' || type === 'token-reuse')
      expect(ends.length).toBeGreaterThan(0)
      for (const end of ends) expect(end).toMatchObject({ clientId: 'heart-app', patient: 'leo', accountId: expect.any(String) })
    }
  })

  test('case 56: of 25 refreshes of one token at once exactly one is answered with tokens, and the family ends', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const tokens = await visit.tokens()
      await expectDead([...(await race(() => visit.app.refresh(tokens.refresh))), tokens])
    }
  })

  test('case 56: refreshes of different tokens at once do not hinder each other', async () => {
    const launches: Tokens[] = []
    for (let count = 0; count < AT_ONCE; count++) launches.push(await visit.tokens())
    const answers = await Promise.all(launches.map(({ refresh }) => visit.app.refresh(refresh)))
    expect(answers.map(({ status }) => status)).toEqual(launches.map(() => 200))
    for (const { body } of answers) expect((await introspect(keyward.issuer, body.access_token ?? '')).body.active).toBe(true)
  })
})
