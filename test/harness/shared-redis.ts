/**
 * The Redis of a store's name, as tests hand it to a Keyward: one server, or a Cluster of three under the same handle. A Cluster
 * takes seconds to agree: the first of a file is kept for its later tests, each of which finds it empty.
 */
import { Redis } from 'ioredis'
import type { StoreName } from './keyward.ts'
import { startRedisCluster } from './redis-cluster.ts'
import { type RedisServer, startRedis } from './redis-server.ts'

let kept: { handle: RedisServer; isTaken: boolean } | undefined

/** Undefined where the store is a file. */
export async function startRedisOf(store: StoreName | undefined): Promise<RedisServer | undefined> {
  if (store === 'redis') return startRedis()
  if (store !== 'redis-cluster') return undefined
  if (kept?.isTaken) return (await startCluster()).handle
  kept ??= { ...(await startCluster()), isTaken: false }
  const taken = kept
  taken.isTaken = true
  for (const url of taken.handle.nodes) {
    const client = new Redis(url)
    await client.flushall()
    client.disconnect()
  }
  return {
    ...taken.handle,
    async stop() {
      taken.isTaken = false
    }
  }
}

/** What is left of it ends with the process of the test file. */
async function startCluster(): Promise<{ handle: RedisServer }> {
  const { url, nodes, stop } = await startRedisCluster()
  const [first] = nodes
  if (!first) throw new Error('a Cluster has servers')
  const all = async (work: (node: RedisServer) => Promise<void>): Promise<void> => {
    await Promise.all(nodes.map(work))
  }
  return {
    handle: {
      url,
      port: first.port,
      folder: first.folder,
      nodes: nodes.map((node) => node.url),
      pause: () => nodes.forEach((node) => void node.pause()),
      resume: () => nodes.forEach((node) => void node.resume()),
      kill: () => all((node) => node.kill()),
      restart: (how) => all((node) => node.restart(how)),
      stop
    }
  }
}
