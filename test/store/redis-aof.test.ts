/** F10: what a Redis that died finds in its append-only file. */
import { openSync, readdirSync, statSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Fence } from '../../src/store/fence.ts'
import { type Kind, type Store, StoreUnavailable } from '../../src/store/store.ts'
import { type RedisServer, startRedis } from '../harness/redis-server.ts'
import { newId, newKind, openOn } from './engine.ts'

const PATIENCE = { timeout: 30_000, interval: 50 }
const settled = (work: Promise<unknown>): Promise<unknown> => work.then((found) => found ?? 'done').catch((problem) => problem)

let redis: RedisServer
let store: Store
let fence: Fence
let kind: Kind<string>
let ids: string[]
beforeEach(async () => {
  redis = await startRedis({ arguments: ['--appendfsync', 'always'] })
  store = await openOn(redis.url, Date.now, (driver) => {
    fence = driver.fence
    return driver
  })
  onTestFinished(() => store.close())
  kind = newKind<string>()
  ids = Array.from({ length: 50 }, () => newId())
  for (const id of ids) await store.put(kind, id, id)
  await redis.kill()
})
afterEach(() => redis?.stop())

const file = (): string => {
  const folder = join(redis.folder, 'appendonlydir')
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.incr.aof')) ?? 'none')
}
const found = async (): Promise<unknown[]> => Promise.all(ids.map((id) => settled(store.get(kind, id))))

test('F10: kill -9, and all that was acknowledged is there', async () => {
  await redis.restart()
  await expect.poll(() => settled(store.check()), PATIENCE).toBe('done')
  expect(await found()).toEqual(ids)
})

test('F10: where the end of the file is cut off, as by a power loss, the fence is raised before anything is served', async () => {
  const lost = Date.now()
  truncateSync(file(), statSync(file()).size - 300)
  await redis.restart()
  await expect.poll(() => settled(store.check()), PATIENCE).toBe('done')
  expect(fence.notBefore()).toBeGreaterThan(lost)
  const left = await found()
  expect(left.slice(0, 40)).toEqual(ids.slice(0, 40))
  // `done`: found nothing.
  expect(left.at(-1)).toBe('done')
})

test('F10: a file that is damaged in the middle keeps Redis from starting, and Keyward says 503 for as long', async () => {
  const at = openSync(file(), 'r+')
  writeSync(at, Buffer.alloc(200, 'x'), 0, 200, Math.floor(statSync(file()).size / 2))
  await expect(redis.restart()).rejects.toThrow('redis-server ended with 1')
  for (const outcome of await found()) expect(outcome).toBeInstanceOf(StoreUnavailable)
})
