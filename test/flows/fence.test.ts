/** D9: what a store that was emptied or replaced makes of sign-ins and apps: nothing is redeemed twice, and people can go on. */
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { authorize, introspect, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import { type Keyward, startKeyward, storeOf } from '../harness/keyward.ts'

const PATIENCE = { timeout: 15_000, interval: 50 }

let keyward: Keyward
beforeEach(async () => {
  keyward = await startKeyward({ store: 'redis' })
  expect(await storeOf(keyward.issuer)).toBe('redis')
})
afterEach(() => keyward.stop())

const ready = async (): Promise<number> => (await fetch(`${keyward.issuer}/readyz`)).status
/** The first answer that says something: a slow machine may be too slow for the 0.8 seconds that the store has. */
async function told<T extends { status: number }>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer.status !== 503) return answer
  }
}
const logged =
  (words: string): (() => boolean) =>
  () =>
    keyward.log.some((line) => line.includes(words))

describe('F10: Redis is restarted', () => {
  test('a code and a sign-in from before are refused; grants, sessions and tokens are not', async () => {
    const app = newApp(keyward.issuer)
    const browser = newBrowser(keyward.issuer)
    const { body } = await app.redeem(app.codeFrom(await authorize(browser, app.authorizationUrl())))
    const code = app.codeFrom(await authorize(browser, app.authorizationUrl()))
    const halfway = newBrowser(keyward.issuer)
    await halfway.open(app.authorizationUrl())
    expect(halfway.page.step).toBe('login')

    await keyward.redis?.kill()
    await keyward.redis?.restart()
    await expect.poll(ready, PATIENCE).toBe(200)

    expect((await told(() => app.redeem(code))).body.error).toBe('invalid_grant')
    expect(await told(() => halfway.open(halfway.page.url))).toMatchObject({ status: 400 })
    expect((await told(() => introspect(keyward.issuer, body.access_token ?? ''))).body).toMatchObject({ active: true })
    expect((await told(() => app.refresh(body.refresh_token ?? ''))).status).toBe(200)
    // The session goes on, and what is begun now ends well.
    expect((await app.redeem(app.codeFrom(await authorize(browser, app.authorizationUrl())))).status).toBe(200)
    await expect.poll(logged('ALARM: the store is another server'), PATIENCE).toBe(true)
    await expect.poll(() => keyward.auditEvents('store'), PATIENCE).toMatchObject([{ outcome: 'fenced', reason: 'other-server' }])
  })
})

describe('F11: Redis comes back empty', () => {
  test.each(['FLUSHALL', 'another volume'])('%s: found within 5 s, told, and people sign in again', async (how) => {
    const app = newApp(keyward.issuer)
    const browser = newBrowser(keyward.issuer)
    const { body } = await app.redeem(app.codeFrom(await authorize(browser, app.authorizationUrl())))
    const code = app.codeFrom(await authorize(browser, app.authorizationUrl()))
    const emptied = performance.now()
    if (how === 'FLUSHALL') {
      const client = new Redis(keyward.redis?.url ?? '')
      await client.flushall()
      client.disconnect()
    } else {
      await keyward.redis?.kill()
      await keyward.redis?.restart('empty')
    }
    await expect.poll(logged('ALARM: the store has been emptied'), { timeout: 10_000, interval: 20 }).toBe(true)
    expect(performance.now() - emptied).toBeLessThan(5000)

    expect((await told(() => app.redeem(code))).body.error).toBe('invalid_grant')
    expect((await told(() => app.refresh(body.refresh_token ?? ''))).body.error).toBe('invalid_grant')
    expect((await told(() => introspect(keyward.issuer, body.access_token ?? ''))).text).toBe('{"active":false}')
    // The accounts of the configuration are made again.
    await expect.poll(() => keyward.auditEvents('store'), PATIENCE).toMatchObject([{ outcome: 'fenced', reason: 'empty' }])
    await expect
      .poll(async () => {
        const person = newBrowser(keyward.issuer)
        await person.open(app.authorizationUrl())
        return (await person.submit({ username: 'maria', password: PASSWORD })).step
      }, PATIENCE)
      .not.toBe('login')
  })
})
