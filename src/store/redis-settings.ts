/** What is wrong with a Redis server for records that must not be lost. It asks INFO, not CONFIG, which managed Redis forbids. */
import type { Redis } from 'ioredis'

/** In milliseconds. Records end by this machine's clock, their collection by that of Redis. */
const CLOCKS_APART = 5000

/** Sentences for the operator; none where all is well. Rejects where the server does not answer. */
export async function unsafeSettings(server: Redis, now: () => number): Promise<string[]> {
  try {
    const asked = now()
    const [seconds, microseconds] = await server.time()
    const answered = now()
    const its = Number(seconds) * 1000 + Number(microseconds) / 1000
    const [memory, persistence] = [await server.info('memory'), await server.info('persistence')]
    const policy = /^maxmemory_policy:(.*?)\r?$/m.exec(memory)?.[1] ?? 'not told'
    const appendonly = /^aof_enabled:1\r?$/m.test(persistence)
    // The answer's way may have taken any part of the time between.
    const apart = Math.max(asked - its, its - answered)
    return [
      ...(policy === 'noeviction' ? [] : [`its maxmemory-policy is ${policy}, so it may drop records: set it to noeviction`]),
      ...(appendonly ? [] : ['its appendonly is off, so a restart loses records: set it to yes']),
      ...(apart > CLOCKS_APART ? [`its clock and this machine's are ${Math.round(apart / 1000)} s apart: set both right`] : [])
    ]
  } catch (fault) {
    const refused = fault instanceof Error && /^(NOPERM|ERR unknown command)/.test(fault.message)
    if (refused) return ['it does not tell its settings: allow INFO and TIME to the user']
    throw fault
  }
}

/** Of what it may use, in percent. Where it may use no more, it writes nothing (noeviction). */
const NEARLY_FULL = 80

/** Sentences for the operator; none where there is room, or where nobody has said how much there is. */
export async function shortages(server: Redis): Promise<string[]> {
  const memory = await server.info('memory')
  const [used, most] = [numberIn(memory, 'used_memory'), numberIn(memory, 'maxmemory')]
  if (most === 0 || used * 100 < most * NEARLY_FULL) return []
  return [`it uses ${Math.round((used * 100) / most)} % of its maxmemory, and writes nothing once that is full: give it more`]
}

const numberIn = (info: string, name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
