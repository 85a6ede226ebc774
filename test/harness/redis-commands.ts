/** What servers of a Redis are told, as they see it themselves: every command, and those inside scripts. */
import { Redis } from 'ioredis'
import { clusterSlotOf } from '../../src/store/cluster-slot.ts'
import type { RedisServer } from './redis-server.ts'

export interface Commands {
  /** How many commands named a key. */
  seen(): number
  /** Commands of which two keys lie in different slots, and script lines that touch a key their script was not given. */
  astray(): string[]
  stop(): void
}

const KEYLESS = new Set(
  'hello auth ping info time scan client cluster asking readonly readwrite quit wait select script acl config replconf'.split(' ')
)

export async function watchCommands(servers: readonly RedisServer[]): Promise<Commands> {
  const astray: string[] = []
  let seen = 0
  const monitors = await Promise.all(
    servers.map(async ({ url }) => {
      const client = new Redis(url)
      const monitor = await client.monitor()
      client.disconnect()
      let ofScript: string[] = []
      monitor.on('monitor', (_time: string, words: string[], source: string) => {
        const [command = '', , count] = words.map((word, at) => (at === 0 ? word.toLowerCase() : word))
        if (KEYLESS.has(command)) return
        const isScript = command === 'eval' || command === 'evalsha'
        const keys = isScript ? words.slice(3, 3 + Number(count)) : words.slice(1, 2)
        seen += 1
        if (source === 'lua') {
          if (keys.some((key) => !ofScript.includes(key))) astray.push(words.slice(0, 2).join(' '))
          return
        }
        if (isScript) ofScript = keys
        if (new Set(keys.map(clusterSlotOf)).size !== 1) astray.push([command, ...keys].join(' '))
      })
      return monitor
    })
  )
  return {
    seen: () => seen,
    astray: () => astray,
    stop: () => {
      for (const monitor of monitors) monitor.disconnect()
    }
  }
}
