/**
 * Cases 78 and 148, F18: the keys that sign id_tokens change under two Keywards that share a Redis while they answer, with an
 * app that keeps what it read at /jwks and does not ask again for a key that it doesn't know.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { rotateSigningKeys, withdrawSigningKey } from '../../src/keys/signing-keys.ts'
import { authorize, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { type Keyward, newSecrets, startKeyward, storeOf } from '../harness/keyward.ts'
import { type RedisServer, startRedis } from '../harness/redis-server.ts'
import { withoutSecondFactor } from '../harness/visit.ts'

/** In milliseconds: an app keeps /jwks for so long; processes look so often; what a key is published before it signs. */
const KEPT = 700
const LOOK = 50
const PUBLISHED_FIRST = 2000

let redis: RedisServer
let secrets: ReturnType<typeof newSecrets>
let keywards: Keyward[]
const startOne = () =>
  startKeyward({
    store: 'redis',
    redis,
    secrets,
    signingKeysEvery: LOOK,
    change: withoutSecondFactor
  })
beforeEach(async () => {
  redis = await startRedis()
  secrets = newSecrets()
  keywards = [await startOne(), await startOne()]
  for (const { issuer } of keywards) expect(await storeOf(issuer)).toBe('redis')
})
afterEach(async () => {
  for (const keyward of keywards) await keyward.stop()
  await redis.stop()
})

type KeySet = ReturnType<typeof createLocalJWKSet>

async function readKeys(issuer: string): Promise<KeySet> {
  return createLocalJWKSet(JSON.parse(await (await fetch(`${issuer}/jwks`)).text()))
}

/** Apps that refresh at a Keyward until told to end, and verify each id_token with keys kept from either Keyward. */
function underLoad(keptFor = KEPT) {
  const failures: string[] = []
  const tokens: string[] = []
  const ending = new AbortController()
  let kept: { keys: KeySet; readAt: number } | undefined
  let turn = 0

  async function keptKeys(): Promise<KeySet> {
    if (kept && performance.now() - kept.readAt < keptFor) return kept.keys
    turn += 1
    const readAt = performance.now()
    const { issuer } = keywards[turn % keywards.length] ?? { issuer: '' }
    kept = { keys: await readKeys(issuer), readAt }
    return kept.keys
  }
  async function visit({ issuer }: Keyward, until: AbortSignal): Promise<void> {
    const app = newApp(issuer)
    const browser = newBrowser(issuer)
    let answer = await app.redeem(app.codeFrom(await authorize(browser, app.authorizationUrl())))
    while (!until.aborted) {
      if (answer.status !== 200) failures.push(`${answer.status} ${answer.text}`)
      const token = answer.body.id_token ?? ''
      tokens.push(token)
      await jwtVerify(token, await keptKeys()).catch((problem: Error) => failures.push(problem.message))
      answer = await app.refresh(answer.body.refresh_token ?? '')
    }
  }
  return {
    failures,
    tokens,
    ending,
    begin: (keyward: Keyward, until: AbortSignal = ending.signal) => Promise.all([visit(keyward, until), visit(keyward, until)]),
    kids: () => new Set(tokens.map((token) => decodeProtectedHeader(token).kid))
  }
}

async function rotate(publishedFirst: number): Promise<string> {
  const [keyward] = keywards
  if (!keyward) throw new Error('none is running')
  for (;;) {
    const rotation = await rotateSigningKeys({
      store: keyward.store,
      now: Date.now,
      idTokenLifetime: 900_000,
      onBefore: async () => undefined,
      publishedFirst
    })
    if (rotation.ok) return rotation.kid
    if (rotation.reason !== 'too-soon') throw new Error(rotation.reason)
    await wait(LOOK)
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('it does not come about')
    await wait(10)
  }
}

test('case 78, case 148, F18: three rotations and a restart under load: every id_token verifies with the keys that an app has kept', async () => {
  const load = underLoad()
  const [first, second] = keywards
  if (!first || !second) throw new Error('two are running')
  const endSecond = new AbortController()
  const loops = [load.begin(first)]
  const onSecond = load.begin(second, endSecond.signal)
  await until(() => load.tokens.length > 8)
  const [oldest = ''] = load.tokens

  for (const round of [1, 2, 3]) {
    const kid = await rotate(PUBLISHED_FIRST)
    await until(() => load.kids().has(kid))
    if (round !== 1) continue
    endSecond.abort()
    await onSecond
    keywards = [first]
    await second.stop()
    const again = await startOne()
    keywards = [first, again]
    loops.push(load.begin(again))
  }
  load.ending.abort()
  await Promise.all(loops)

  expect(load.failures).toEqual([])
  expect(load.kids().size).toBe(4)
  // What the first key signed, which three others have followed, is still valid, at both.
  const { kid } = decodeProtectedHeader(oldest)
  for (const { issuer } of keywards) expect((await jwtVerify(oldest, await readKeys(issuer))).protectedHeader.kid).toBe(kid)
})

test('F18: keys that sign sooner than apps ask again are noticed by these apps', async () => {
  const load = underLoad(60_000)
  const loops = keywards.map((keyward) => load.begin(keyward))
  await until(() => load.tokens.length > 8)
  for (let round = 0; round < 3; round += 1) {
    const kid = await rotate(0)
    await until(() => load.kids().has(kid))
  }
  load.ending.abort()
  await Promise.all(loops)
  expect(load.failures.length).toBeGreaterThan(0)
})

test('case 148: a key that is withdrawn under load is gone from both, and no id_token of it is given out or believed any more', async () => {
  const load = underLoad()
  const [first, second] = keywards
  if (!first || !second) throw new Error('two are running')
  const loops = keywards.map((keyward) => load.begin(keyward))
  await until(() => load.tokens.length > 8)
  const [oldest = ''] = load.tokens
  const kid = decodeProtectedHeader(oldest).kid ?? ''
  const withdrawal = await withdrawSigningKey({ store: first.store, now: Date.now, kid, onBefore: async () => undefined })
  expect(withdrawal).toEqual({ ok: true, active: expect.any(String) })
  const noticed = 'the signing keys have changed'
  await until(() => keywards.every(({ log }) => log.some((line) => line.includes(noticed))))
  const sofar = load.tokens.length
  await until(() => load.tokens.length > sofar + 8)
  load.ending.abort()
  await Promise.all(loops)
  // Everybody was answered; only who had kept the old keys for a moment may have asked for the new one.
  expect(load.failures.filter((failure) => /^[45]/.test(failure))).toEqual([])
  expect(new Set(load.tokens.slice(sofar + 4).map((token) => decodeProtectedHeader(token).kid))).not.toContain(kid)
  for (const { issuer } of keywards) await expect(jwtVerify(oldest, await readKeys(issuer))).rejects.toThrow('no applicable key')
})

test('case 148: while the store is away the keys stay as they are, and a change is seen afterwards', async () => {
  const [first, second] = keywards
  if (!first || !second) throw new Error('two are running')
  const before = await (await fetch(`${second.issuer}/jwks`)).text()
  await redis.kill()
  await until(() => !first.log.some((line) => line.includes('signing keys can not be read')))
  expect(await (await fetch(`${second.issuer}/jwks`)).text()).toBe(before)
  await redis.restart()
  const deadline = performance.now() + 20_000
  while ((await fetch(`${first.issuer}/readyz`)).status !== 200 && performance.now() < deadline) await wait(LOOK)
  const kid = await rotate(0)
  await until(() => second.log.some((line) => line.includes('the signing keys have changed')))
  const { keys }: { keys: { kid: string }[] } = JSON.parse(await (await fetch(`${second.issuer}/jwks`)).text())
  expect(keys[0]?.kid).toBe(kid)
  expect(keys).toHaveLength(3)
})
