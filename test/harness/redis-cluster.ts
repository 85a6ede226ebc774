/** A real Redis Cluster of three primaries, each a process of its own, joined as an operator would. */
import { Redis } from 'ioredis'
import { vi } from 'vitest'
import { freePort, type RedisServer, startRedis } from './redis-server.ts'
import { newTlsFiles } from './redis-tls.ts'
import { userArguments, userInfo } from './redis-user.ts'

export interface RedisCluster {
  /** With a user who may do only what Keyward needs. */
  readonly url: string
  readonly nodes: readonly RedisServer[]
  stop(): Promise<void>
}

const SLOTS = 16_384

export async function startRedisCluster({ tls = false }: { tls?: boolean } = {}): Promise<RedisCluster> {
  const files = tls ? newTlsFiles() : undefined
  const tlsPorts = [await freePort(), await freePort(), await freePort()]
  const busPorts = [await freePort(), await freePort(), await freePort()]
  const nodes = await Promise.all(
    busPorts.map((busPort, at) => {
      const asCluster = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '2000']
      const overTls = files ? ['--tls-port', String(tlsPorts[at]), '--tls-cluster', 'yes', ...files.serverArguments] : []
      return startRedis({ arguments: [...asCluster, ...overTls, ...userArguments] })
    })
  )
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()))
    files?.remove()
  }
  const clients = nodes.map(({ url }) => new Redis(url))
  const share = Math.ceil(SLOTS / nodes.length)
  try {
    await Promise.all(
      clients.map(async (client, at) => {
        await client.call('CLUSTER', 'SET-CONFIG-EPOCH', at + 1)
        await client.cluster('ADDSLOTSRANGE', at * share, Math.min((at + 1) * share, SLOTS) - 1)
      })
    )
    for (const [at, { port }] of nodes.entries())
      if (at > 0) await clients[0]?.call('CLUSTER', 'MEET', '127.0.0.1', files ? (tlsPorts[at] ?? 0) : port, busPorts[at] ?? 0)
    const isWhole = async (client: Redis): Promise<boolean> => {
      const info = String(await client.cluster('INFO'))
      return info.includes('cluster_state:ok') && info.includes(`cluster_size:${nodes.length}`)
    }
    await vi.waitUntil(async () => (await Promise.all(clients.map(isWhole))).every(Boolean), { timeout: 20_000 })
  } catch (problem) {
    await stop()
    throw problem
  } finally {
    for (const client of clients) client.disconnect()
  }
  const hosts = nodes.map(({ port }, at) => `127.0.0.1:${files ? tlsPorts[at] : port}`).join(',')
  const url = files ? `rediss+cluster://${userInfo()}${hosts}?${files.options}` : `redis+cluster://${userInfo()}${hosts}`
  return { url, nodes, stop }
}
