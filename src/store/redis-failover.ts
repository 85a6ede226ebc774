/**
 * Listens to Sentinels for a primary that has been replaced, because the one that it was may still answer, or hang, and so
 * give no reason to look for another. ioredis' own detector ends the connection at every Sentinel's message, also where
 * it leads to the new primary already: a second gap after each failover, since the Sentinels learn of it one after the other.
 */
import { Redis, type RedisOptions } from 'ioredis'

const REPLACED = '+switch-master'
/** In milliseconds. */
const RECONNECT_PAUSE = 2000
const KEEP_ALIVE = 5000

interface Deps {
  hosts: { host: string; port: number }[]
  /** The name by which the Sentinels know the primary. */
  primary: string
  options: Pick<RedisOptions, 'username' | 'password' | 'tls' | 'connectTimeout'>
  /** With host:port of the new one. */
  onReplaced(by: string): void
}

export function watchFailover({ hosts, primary, options, onReplaced }: Deps): { close(): void } {
  const sentinels = hosts.map((host) => {
    const sentinel = new Redis({
      ...host,
      ...options,
      enableReadyCheck: false,
      keepAlive: KEEP_ALIVE,
      maxRetriesPerRequest: null,
      retryStrategy: () => RECONNECT_PAUSE
    })
    // One of several, and away as any server may be: the connection to the primary asks the others too.
    sentinel.on('error', () => undefined)
    sentinel.on('message', (_channel: string, message: string) => {
      const [name, , , toHost, toPort] = message.split(' ')
      if (name === primary) onReplaced(`${toHost}:${toPort}`)
    })
    sentinel.subscribe(REPLACED).catch(() => undefined)
    return sentinel
  })
  return {
    close() {
      for (const sentinel of sentinels) sentinel.disconnect()
    }
  }
}
