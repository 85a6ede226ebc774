/** The view of the raw bytes that the contract asks for, over all servers of a Redis. */
import { Redis } from 'ioredis'
import type { RedisServer } from '../harness/redis-server.ts'
import type { Engine } from './engine.ts'

export interface RedisUnderTest {
  url: string
  nodes: readonly RedisServer[]
  stop(): Promise<void>
}

export function redisEngine({ url, nodes, stop }: RedisUnderTest): Engine {
  const clients = nodes.map((node) => new Redis(node.url))

  /** Each key that the pattern finds, with the server where it lies. */
  async function find(pattern: string): Promise<{ client: Redis; key: string }[]> {
    const found = await Promise.all(clients.map(async (client) => (await client.keys(pattern)).map((key) => ({ client, key }))))
    return found.flat().sort((one, other) => (one.key < other.key ? -1 : 1))
  }

  return {
    url,
    async copyOneOverAnother(kind) {
      const [one, other] = await find(`kw:1:{*}:${kind}:*`)
      if (!one || !other) throw new Error('there are no two records of this kind')
      await other.client.set(other.key, (await one.client.getBuffer(one.key)) ?? Buffer.alloc(0))
    },
    async everything() {
      const parts: string[] = []
      for (const { client, key } of await find('*')) {
        const isIndex = (await client.type(key)) === 'zset'
        parts.push(
          key,
          isIndex ? (await client.zrange(key, '0', '-1')).join() : ((await client.getBuffer(key))?.toString('latin1') ?? '')
        )
      }
      return parts.join('\n')
    },
    async stop() {
      for (const client of clients) client.disconnect()
      await stop()
    }
  }
}
