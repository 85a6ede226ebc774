/** A real Redis Cluster of three primaries, each a process of its own, joined as an operator would. */
import { Redis } from 'ioredis'
import { vi } from 'vitest'
import { freePorts } from './free-port.ts'
import { type RedisServer, startRedis } from './redis-server.ts'
import { newTlsFiles } from './redis-tls.ts'
import { userArguments, userInfo } from './redis-user.ts'

export interface RedisCluster {
  /** With a user who may do only what Keyward needs. */
  readonly url: string
  readonly nodes: readonly RedisServer[]
  /** One of each primary, in their order; none unless asked for. */
  readonly replicas: readonly RedisServer[]
  stop(): Promise<void>
}

const SLOTS = 16_384

const PRIMARIES = 3

interface Options {
  tls?: boolean
  replicas?: boolean
}

/** Another process may take one of its many ports before it does: then once more, with others. */
export async function startRedisCluster(options: Options = {}): Promise<RedisCluster> {
  return join(options).catch(() => join(options))
}

async function join(options: Options): Promise<RedisCluster> {
  const files = options.tls ? newTlsFiles() : undefined
  const servers = options.replicas ? 2 * PRIMARIES : PRIMARIES
  const tlsPorts = await freePorts(servers)
  const busPorts = await freePorts(servers)
  const starting = await Promise.allSettled(
    busPorts.map((busPort, at) => {
      const asCluster = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '2000']
      const overTls = files ? ['--tls-port', String(tlsPorts[at]), '--tls-cluster', 'yes', ...files.serverArguments] : []
      return startRedis({ arguments: [...asCluster, ...overTls, ...userArguments] })
    })
  )
  const all = starting.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const stop = async (): Promise<void> => {
    await Promise.all(all.map((node) => node.stop()))
    files?.remove()
  }
  if (all.length < servers) {
    await stop()
    throw new Error('not all servers of the Cluster have started')
  }
  const [nodes, replicas] = [all.slice(0, PRIMARIES), all.slice(PRIMARIES)]
  const clients = all.map(({ url }) => new Redis(url))
  const share = Math.ceil(SLOTS / nodes.length)
  try {
    await Promise.all(
      clients.slice(0, PRIMARIES).map(async (client, at) => {
        await client.call('CLUSTER', 'SET-CONFIG-EPOCH', at + 1)
        await client.cluster('ADDSLOTSRANGE', at * share, Math.min((at + 1) * share, SLOTS) - 1)
      })
    )
    for (const [at, { port }] of all.entries())
      if (at > 0) await clients[0]?.call('CLUSTER', 'MEET', '127.0.0.1', files ? (tlsPorts[at] ?? 0) : port, busPorts[at] ?? 0)
    const isWhole = async (client: Redis): Promise<boolean> => {
      const info = String(await client.cluster('INFO'))
      return info.includes('cluster_state:ok') && info.includes(`cluster_size:${nodes.length}`)
    }
    await vi.waitUntil(async () => (await Promise.all(clients.map(isWhole))).every(Boolean), { timeout: 60_000 })
    await Promise.all(replicas.map((_, at) => follow(clients[PRIMARIES + at], clients[at])))
  } catch (problem) {
    await stop()
    throw problem
  } finally {
    for (const client of clients) client.disconnect()
  }
  const hosts = nodes.map(({ port }, at) => `127.0.0.1:${files ? tlsPorts[at] : port}`).join(',')
  const url = files ? `rediss+cluster://${userInfo()}${hosts}?${files.options}` : `redis+cluster://${userInfo()}${hosts}`
  return { url, nodes, replicas, stop }
}

/** Resolves once it has all that its primary has. */
async function follow(replica: Redis | undefined, primary: Redis | undefined): Promise<void> {
  const id = String(await primary?.cluster('MYID'))
  // Until it has heard of the primary.
  await vi.waitUntil(() => replica?.call('CLUSTER', 'REPLICATE', id).catch(() => undefined), { timeout: 30_000 })
  await vi.waitUntil(async () => (await replica?.info('replication'))?.includes('master_link_status:up'), { timeout: 60_000 })
}
