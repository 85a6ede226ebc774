/** What the audit trail promises where the store is a server that can die, freeze and answer late. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { AuditEvent } from '../../src/audit/event.ts'
import { readAudit } from '../../src/audit/read.ts'
import { type AuditTrail, openAuditTrail } from '../../src/audit/trail.ts'
import { verifyAudit } from '../../src/audit/verify.ts'
import { createSealer } from '../../src/keys/sealing.ts'
import { openDriver } from '../../src/store/open-store.ts'
import { createStore } from '../../src/store/sealed-store.ts'
import { type Store, StoreUnavailable } from '../../src/store/store.ts'
import { type RedisServer, startRedis } from '../harness/redis-server.ts'

const SOURCE = { requestId: '7b1c4f0e-1111-4222-8333-944445555666', address: '192.0.2.7' }
const signOut = (accountId: string): AuditEvent => ({ type: 'sign-out', outcome: 'ended', accountId })

let redis: RedisServer
const sealer = createSealer([{ id: 1, key: randomBytes(32) }])
const lookupKey = randomBytes(32)

beforeAll(async () => {
  redis = await startRedis({ arguments: ['--appendfsync', 'always'] })
})
afterAll(() => redis.stop())

async function openStore(): Promise<Store> {
  const driver = await openDriver(redis.url, { now: Date.now })
  onTestFinished(() => driver.close())
  return createStore({ driver, sealer, lookupKey, now: Date.now })
}

async function accountsIn(store: Store): Promise<string[]> {
  const accounts: string[] = []
  for await (const { event } of readAudit(store)) if (event.type === 'sign-out') accounts.push(event.accountId)
  return accounts
}

/** Until the trail takes an event again, as a server's next requests would. */
async function recordOnceBack(trail: AuditTrail, name: string): Promise<void> {
  await expect
    .poll(
      () =>
        trail.record(SOURCE, signOut(name)).then(
          () => true,
          () => false
        ),
      { timeout: 10_000 }
    )
    .toBe(true)
}

test('case 143: two processes that append at once leave two linear chains', async () => {
  const trails = await Promise.all([0, 1].map(async () => openAuditTrail({ store: await openStore(), now: Date.now })))
  await Promise.all(
    trails.flatMap((trail) => Array.from({ length: 300 }, (_, index) => trail.record(SOURCE, signOut(`both-${index}`))))
  )
  await Promise.all(trails.map((trail) => trail.close()))
  const store = await openStore()
  expect(store.driver).toBe('redis')
  expect(await verifyAudit(store)).toEqual({ ok: true, records: 604, chains: 2 })
})

test('case 144: while the server is dead events reject, and what was acknowledged is there after it', async () => {
  const store = await openStore()
  const trail = await openAuditTrail({ store, now: Date.now })
  await trail.record(SOURCE, signOut('acknowledged'))
  await redis.kill()
  await expect(trail.record(SOURCE, signOut('dead'))).rejects.toThrow(StoreUnavailable)
  await redis.restart()
  await recordOnceBack(trail, 'back-from-death')
  const accounts = await accountsIn(store)
  expect(accounts).toEqual(expect.arrayContaining(['acknowledged', 'back-from-death']))
  expect(accounts).not.toContain('dead')
  expect(await verifyAudit(store)).toMatchObject({ ok: true })
}, 20_000)

test('case 144: while the server is frozen events reject in bounded time, and the chain stays linear when it thaws', async () => {
  const store = await openStore()
  const trail = await openAuditTrail({ store, now: Date.now })
  await trail.record(SOURCE, signOut('before-frost'))
  redis.pause()
  const started = performance.now()
  try {
    await expect(trail.record(SOURCE, signOut('frozen'))).rejects.toThrow(StoreUnavailable)
    expect(performance.now() - started).toBeLessThan(3000)
  } finally {
    redis.resume()
  }
  await recordOnceBack(trail, 'thawed')
  const accounts = await accountsIn(store)
  expect(accounts.filter((name) => name === 'before-frost')).toHaveLength(1)
  // A write that nobody knows the fate of may have happened, but never twice.
  expect(accounts.filter((name) => name === 'frozen').length).toBeLessThan(2)
  expect(await verifyAudit(store)).toMatchObject({ ok: true })
}, 20_000)
