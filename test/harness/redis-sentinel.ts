/** A primary, its replica, and three Sentinels of which two have to agree that the primary is gone. */
import { Redis } from 'ioredis'
import { vi } from 'vitest'
import { freePort } from './free-port.ts'
import { type RedisServer, startRedis } from './redis-server.ts'
import { newTlsFiles } from './redis-tls.ts'

export interface RedisSentinels {
  readonly url: string
  readonly sentinels: readonly RedisServer[]
  /** As the Sentinels see it now. */
  currentPrimary(): Promise<RedisServer>
  /** Whether all Sentinels name the same one. */
  agree(): Promise<boolean>
  /** The numbers that the primary gives to Keyward's connections. */
  connections(): Promise<string[]>
  /** From now on the replica gets nothing of what the primary is told, while all others go on with it. */
  cutOffReplica(): Promise<void>
  /** Waits until the replica has what the primary has, and the Sentinels could elect it. */
  replicated(): Promise<void>
  stop(): Promise<void>
}

const NAME = 'keyward'

/** With TLS they speak it to each other as well; the ports without it are there for the test itself. */
export async function startRedisSentinels({ tls = false } = {}): Promise<RedisSentinels> {
  const files = tls ? newTlsFiles() : undefined
  const tlsPorts = [await freePort(), await freePort(), await freePort(), await freePort(), await freePort()]
  const overTls = (at: number): string[] =>
    files ? [...files.serverArguments, '--tls-port', String(tlsPorts[at]), '--tls-replication', 'yes'] : []
  const known = ({ port }: RedisServer, at: number): number => (files ? (tlsPorts[at] ?? 0) : port)
  const primary = await startRedis({ arguments: overTls(0) })
  const following = ['--replicaof', '127.0.0.1', String(known(primary, 0))]
  const replica = await startRedis({ arguments: [...overTls(1), ...following] })
  const servers = [primary, replica]
  const sentinel = [
    `sentinel monitor ${NAME} 127.0.0.1 ${known(primary, 0)} 2`,
    `sentinel down-after-milliseconds ${NAME} 1000`,
    `sentinel failover-timeout ${NAME} 2000`
  ]
  const sentinels = await Promise.all(
    [2, 3, 4].map((at) => startRedis({ sentinel: [...linesOf(overTls(at)), ...sentinel].join('\n') }))
  )
  const stop = async (): Promise<void> => {
    await Promise.all([...sentinels, ...servers].map((server) => server.stop()))
    files?.remove()
  }

  const portAt = (server: RedisServer | undefined): Promise<string> =>
    ask(server, async (sentinel) => {
      const address: unknown = await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)
      return Array.isArray(address) ? String(address[1]) : ''
    })
  const agree = async (): Promise<boolean> => new Set(await Promise.all(sentinels.map(portAt))).size === 1

  async function connections(): Promise<string[]> {
    const list = String(await ask(await currentPrimary(), (client) => client.client('LIST')))
    return list.split('\n').flatMap((line) => /^id=(\d+) .* name=keyward /.exec(line)?.[1] ?? [])
  }

  /** A proxy would not do: Sentinels see to it that the replica connects straight to the primary. */
  async function cutOffReplica(): Promise<void> {
    await ask(await currentPrimary(), async (client) => {
      await client.config('SET', 'requirepass', 'unknown to the replica')
      await client.call('CLIENT', 'KILL', 'TYPE', 'replica')
    })
  }

  async function currentPrimary(): Promise<RedisServer> {
    const port = await portAt(sentinels[0])
    const found = servers.find((server, at) => String(known(server, at)) === port)
    if (!found) throw new Error('the Sentinels know no primary')
    return found
  }

  /** Each Sentinel knows one replica, which is linked to the primary, and both of its fellows: else they can't agree on it. */
  async function replicated(): Promise<void> {
    const knowsAll = (sentinel: RedisServer): Promise<boolean> =>
      ask(sentinel, async (client) => {
        const replicas = String(await client.call('SENTINEL', 'REPLICAS', NAME))
        const info = await client.info('sentinel')
        return (
          /status=ok.*slaves=1,sentinels=3/.test(info) &&
          replicas.includes('flags,slave,') &&
          replicas.includes('master-link-status,ok')
        )
      }).catch(() => false)
    await vi.waitUntil(async () => (await Promise.all(sentinels.map(knowsAll))).every(Boolean), {
      timeout: 90_000,
      interval: 100
    })
    const primary = await currentPrimary()
    // Resolves once the replica has acknowledged all that came before.
    await vi.waitUntil(async () => (await ask(primary, (client) => client.wait(1, 5000)).catch(() => 0)) === 1, {
      timeout: 60_000,
      interval: 100
    })
  }

  try {
    // Else they look at each server every ten seconds only.
    for (const each of sentinels)
      await ask(each, (client) => client.call('SENTINEL', 'DEBUG', 'info-period', '500', 'publish-period', '500'))
    await replicated()
  } catch (problem) {
    await stop()
    throw problem
  }
  const hosts = sentinels.map((server, at) => `127.0.0.1:${known(server, at + 2)}`).join(',')
  return {
    url: files ? `rediss+sentinel://${hosts}/${NAME}?${files.options}` : `redis+sentinel://${hosts}/${NAME}`,
    sentinels,
    currentPrimary,
    agree,
    connections,
    cutOffReplica,
    replicated,
    stop
  }
}

async function ask<T>(server: RedisServer | undefined, question: (client: Redis) => Promise<T>): Promise<T> {
  if (!server) throw new Error('there is no such server')
  const client = new Redis(server.url, { commandTimeout: 6000, retryStrategy: null })
  client.on('error', () => undefined)
  try {
    return await question(client)
  } finally {
    client.disconnect()
  }
}

/** Of arguments like `--port 1`, the lines of a configuration file. */
function linesOf(words: string[]): string[] {
  return words.flatMap((word, at) => (word.startsWith('--') ? [`${word.slice(2)} ${words[at + 1]}`] : []))
}
