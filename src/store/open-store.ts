/** From the configuration's store URL to the driver. */
import { readRedisUrl } from '../config/store-url.ts'
import type { StoreDriver } from './driver.ts'
import { openRedis } from './redis.ts'
import { openSqlite } from './sqlite.ts'

export async function openDriver(url: string, { now }: { now: () => number }): Promise<StoreDriver> {
  const path = sqlitePath(url)
  if (path !== undefined) return openSqlite(path, now)
  const redis = readRedisUrl(url)
  if (typeof redis === 'string') throw new Error(`store: ${redis}`)
  return openRedis(redis, now)
}

/** The file of an embedded store, undefined where the URL names another kind of store. */
export function sqlitePath(url: string): string | undefined {
  return /^sqlite:(.+)$/.exec(url)?.[1]
}
