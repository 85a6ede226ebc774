/** From the configuration's store URL to the driver. */
import type { StoreDriver } from './driver.ts'
import { openRedis } from './redis.ts'
import { openSqlite } from './sqlite.ts'

const FORMS = 'sqlite:./path/to/file.db, sqlite::memory:, redis://host:port or rediss://host:port'

export async function openDriver(url: string, { now }: { now: () => number }): Promise<StoreDriver> {
  const path = sqlitePath(url)
  if (path !== undefined) return openSqlite(path, now)
  if (/^rediss?:\/\//.test(url)) return openRedis(url, now)
  throw new Error(`the store must be one of ${FORMS}`)
}

/** The file of an embedded store, undefined where the URL names another kind of store. */
export function sqlitePath(url: string): string | undefined {
  return /^sqlite:(.+)$/.exec(url)?.[1]
}
