/** F6: the primary dies before its replica has all that it acknowledged. What was spent is not to be spent again (I1 to I3). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AppClient, authorize, introspect, newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { type Keyward, newSecrets, startKeyward, storeOf } from '../harness/keyward.ts'
import { type RedisSentinels, startRedisSentinels } from '../harness/redis-sentinel.ts'

/** The bound of F6 is 30 s; it begins once the machine has let the Sentinels agree. */
const PATIENCE = { timeout: 60_000, interval: 100 }

describe.each([
  ['nothing waits for it', ''],
  ['a write counts once it has it', '?replicas=1']
])('a primary and a replica that falls behind, and %s', (_what, options) => {
  let trio: RedisSentinels
  let keywards: Keyward[]
  let app: AppClient
  let browser: Browser
  beforeEach(async () => {
    trio = await startRedisSentinels()
    const shared = { storeUrl: `${trio.url}${options}`, secrets: newSecrets() }
    keywards = [await startKeyward(shared), await startKeyward(shared)]
    for (const { issuer } of keywards) expect(await storeOf(issuer)).toBe('redis')
    app = newApp(keywards[0]?.issuer ?? '')
    browser = newBrowser(keywards[0]?.issuer ?? '')
  }, 180_000)
  afterEach(async () => {
    await Promise.all(keywards.map((keyward) => keyward.stop()))
    await trio.stop()
  }, 60_000)

  test('F6: a code that was redeemed, and is unspent at the new primary, brings no second tokens', async () => {
    const [keyward] = keywards
    if (!keyward) throw new Error('there are two')
    const kept = (await app.redeem(app.codeFrom(await authorize(browser, app.authorizationUrl())))).body
    const code = app.codeFrom(await authorize(browser, app.authorizationUrl()))
    await trio.replicated()
    const lost = await trio.currentPrimary()
    await trio.cutOffReplica()
    const first = await app.redeem(code)
    expect(first.status).toBe(options === '' ? 200 : 503)
    expect(first.body.access_token === undefined).toBe(options !== '')

    await lost.kill()
    await expect.poll(() => trio.currentPrimary(), PATIENCE).not.toBe(lost)
    // As the replica of the new one: else nothing would be confirmed.
    await lost.restart()
    for (const { issuer } of keywards) await expect.poll(async () => (await fetch(`${issuer}/readyz`)).status, PATIENCE).toBe(200)
    await trio.replicated()

    // The first answer that is one: a second try would be refused whatever the first has brought.
    const answers = [await app.redeem(code)]
    while (answers.at(-1)?.status === 503) answers.push(await app.redeem(code))
    expect(answers.at(-1)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    // What had reached the replica is as good as before, and people go on.
    expect((await introspect(keyward.issuer, kept.access_token ?? '')).body).toMatchObject({ active: true })
    const later = await app.redeem(app.codeFrom(await authorize(browser, app.authorizationUrl())))
    expect(later.status).toBe(200)
    expect(keywards.some(({ log }) => log.some((line) => line.includes('ALARM: the store is another server')))).toBe(true)
  }, 240_000)
})
