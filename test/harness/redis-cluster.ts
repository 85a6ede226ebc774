/** A real Redis Cluster of three primaries, each a process of its own, joined as an operator would. */
import { Redis } from 'ioredis'
import { vi } from 'vitest'
import { freePort, type RedisServer, startRedis } from './redis-server.ts'

export interface RedisCluster {
  readonly url: string
  readonly nodes: readonly RedisServer[]
  stop(): Promise<void>
}

const SLOTS = 16_384

export async function startRedisCluster(): Promise<RedisCluster> {
  const busPorts = [await freePort(), await freePort(), await freePort()]
  const nodes = await Promise.all(
    busPorts.map((busPort) =>
      startRedis({
        arguments: ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '2000']
      })
    )
  )
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()))
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
      if (at > 0) await clients[0]?.call('CLUSTER', 'MEET', '127.0.0.1', port, busPorts[at] ?? 0)
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
  return { url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`, nodes, stop }
}
