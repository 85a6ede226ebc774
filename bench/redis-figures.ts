/** What Redis says of itself: how often each command was carried out, those within scripts too, and what lies in its memory. */
import type { Redis } from 'ioredis'

/** Calls by command. */
export type Commands = Map<string, number>

/** Asked by the bench itself. */
const OWN = new Set(['info', 'scan', 'memory|usage', 'ping', 'config|resetstat'])

export async function commandsOf(redis: Redis): Promise<Commands> {
  const lines = (await redis.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)
  return new Map([...lines].flatMap(([, name = '', calls]) => (OWN.has(name) ? [] : [[name, Number(calls)] as const])))
}

export function perOperation(before: Commands, after: Commands, operations: number): Commands {
  const each = [...after].map(([name, calls]) => [name, (calls - (before.get(name) ?? 0)) / operations] as const)
  return new Map(each.filter(([, calls]) => calls >= 0.005))
}

export const totalOf = (commands: Commands): number => [...commands.values()].reduce((sum, calls) => sum + calls, 0)

export async function usedBytes(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1])
}

/** The mean size of some records of each kind, key and bookkeeping included. */
export async function bytesByKind(redis: Redis, pattern: string, kindOf: RegExp): Promise<Map<string, number>> {
  const sizes = new Map<string, number[]>()
  let cursor = '0'
  for (let pages = 0; pages < 20; pages++) {
    const [next, keys] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 200)
    for (const key of keys) {
      const kind = kindOf.exec(key)?.[1]
      const size = await redis.memory('USAGE', key)
      if (kind && size) sizes.set(kind, [...(sizes.get(kind) ?? []), size])
    }
    cursor = next
    if (cursor === '0') break
  }
  return new Map([...sizes].map(([kind, all]) => [kind, Math.round(all.reduce((sum, size) => sum + size, 0) / all.length)]))
}
