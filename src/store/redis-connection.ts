/**
 * The connection to Redis in each of its forms: one server, the primary that Sentinels name, a Cluster. In all of them a
 * command is sent once: one that is not answered within its time, or whose connection ends, has an unknown fate and is
 * reported. Only what a server has refused to carry out (MOVED, ASK, TRYAGAIN) is sent again, to another one, a few times.
 */
import { readFileSync } from 'node:fs'
import { Cluster, Command, Redis } from 'ioredis'
import type { RedisUrl } from '../config/store-url.ts'
import { clusterSlotOf } from './cluster-slot.ts'
import type { StoreFence } from './fence.ts'
import { gatherWrites } from './gathered-writes.ts'
import { marksIn } from './redis-cluster-marks.ts'
import { watchFailover } from './redis-failover.ts'
import { type RedisFence, redisFence } from './redis-fence.ts'
import { replicaWrites } from './redis-replicas.ts'

/** In milliseconds. */
const COMMAND_TIMEOUT = 800
/** With a command under way and nothing heard for so long, the connection is given up: it may be half open, and never end by itself. */
const SILENCE = 1000
const OPEN_PATIENCE = 2000
const LONGEST_RECONNECT_PAUSE = 1000
/** Between asking a server to end a connection and ending it oneself: one that hangs never would. */
const ENDING = 100
const SLOTS_REFRESH = 2000
const REDIRECTIONS = 5
const LOOK_EVERY = 1000

export type Tell = (name: string, ...words: (string | number | Buffer)[]) => Promise<unknown>

export interface RedisConnection {
  readonly client: Redis | Cluster
  /** Sends a write, which counts once so many replicas have it as the address says. */
  readonly tell: Tell
  /** Every server that may be written to, in a stable order. Throws where one is missing: its records would be. */
  primaries(): Primary[]
  /** A hash tag for each primary that lies there. */
  checkTags(): string[]
  /** Looked at before a connection serves, and every second. */
  readonly fence: StoreFence
  lastFault(): Error | undefined
  close(): Promise<void>
}

export interface Primary {
  /** Empty where there is only one. */
  name: string
  server: Redis
}

/** Does not fail where Redis is away: it goes on in the background. */
export async function connectRedis(url: RedisUrl, now: () => number): Promise<RedisConnection> {
  const writes = replicaWrites(url.replicas)
  const fences = redisFence(now, writes)
  const { opened, ...connection } = url.form === 'cluster' ? connectCluster(url, fences) : connectServer(url, fences)
  await opened
  const looking = setInterval(() => void lookAgain().catch(() => undefined), LOOK_EVERY).unref()
  /** What fails is found by the commands themselves. */
  async function lookAgain(): Promise<void> {
    await fences.lookAgain(connection.primaries().map(({ server }) => server))
  }
  const { client } = connection
  return {
    ...connection,
    tell(name, ...words) {
      const command = new Command(name, words, { replyEncoding: 'utf8' })
      if (url.replicas > 0) return writes.confirmed(command, (sent) => client.sendCommand(sent))
      client.sendCommand(command)
      return command.promise
    },
    close() {
      clearInterval(looking)
      return connection.close()
    }
  }
}

type Opening = Omit<RedisConnection, 'tell'> & { opened: Promise<void> }

const pauseBefore = (attempt: number) => Math.min(attempt * 50, LONGEST_RECONNECT_PAUSE)

function optionsOf({ login, tls }: RedisUrl) {
  const read = (file: string | undefined) => (file === undefined ? undefined : readPem(file))
  return {
    ...login,
    ...(tls && { tls: { ca: read(tls.ca), cert: read(tls.cert), key: read(tls.key) } }),
    commandTimeout: COMMAND_TIMEOUT,
    socketTimeout: SILENCE,
    connectTimeout: OPEN_PATIENCE,
    // For whoever looks at CLIENT LIST.
    connectionName: 'keyward',
    // Nothing is sent twice: a compare-and-set that had won would lose to itself.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false
  }
}

function connectServer(url: RedisUrl, { guard, fence }: RedisFence): Opening {
  const { form, hosts, db, primary, sentinelLogin } = url
  const common = optionsOf(url)
  let named = ''
  const client = new Redis({
    ...common,
    db,
    disconnectTimeout: ENDING,
    enableOfflineQueue: false,
    retryStrategy: pauseBefore,
    // A primary that has become a replica under our connection: ask again which one is it. The command is not repeated.
    reconnectOnError: (fault) => fault.message.startsWith('READONLY'),
    ...(form === 'single'
      ? hosts[0]
      : {
          sentinels: hosts,
          name: primary,
          ...(sentinelLogin.username !== undefined && { sentinelUsername: sentinelLogin.username }),
          ...(sentinelLogin.password !== undefined && { sentinelPassword: sentinelLogin.password }),
          sentinelCommandTimeout: COMMAND_TIMEOUT,
          sentinelRetryStrategy: pauseBefore,
          // Nothing is mapped: it is told last which server the Sentinel has named, and that is the one connected to.
          natMap: (address: string) => {
            named = address
            return null
          },
          ...(common.tls && { enableTLSForSentinelMode: true, sentinelTLS: common.tls })
        })
  })
  guard(client, '', async () => ['kw:mark'])
  gatherWrites(client)
  const failover =
    form === 'sentinel'
      ? watchFailover({
          hosts,
          primary,
          options: { ...sentinelLogin, ...(common.tls && { tls: common.tls }), connectTimeout: OPEN_PATIENCE },
          onReplaced(by) {
            // In all other states it is about to ask the Sentinels by itself; ended then, ioredis would not begin again.
            if (by !== named && ['connect', 'ready'].includes(client.status)) client.disconnect(true)
          }
        })
      : undefined
  return {
    client,
    fence,
    primaries: () => [{ name: '', server: client }],
    checkTags: () => ['check'],
    opened: readyOrLate(client),
    lastFault: lastFaultOf(client),
    async close() {
      failover?.close()
      await end(client)
    }
  }
}

function connectCluster(url: RedisUrl, { guard, fence }: RedisFence): Opening {
  const cluster = new Cluster(url.hosts, {
    redisOptions: optionsOf(url),
    enableOfflineQueue: false,
    clusterRetryStrategy: pauseBefore,
    maxRedirections: REDIRECTIONS,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshInterval: SLOTS_REFRESH,
    // Names stay names: a certificate speaks of them.
    dnsLookup: (name, found) => found(null, name)
  })
  cluster.on('node error', () => undefined)
  cluster.on('+node', gatherWrites)
  cluster.on('+node', (server: Redis) => guard(server, nameOf(server), (ask) => marksIn(nameOf(server), ask)))
  // A server that is still being connected to refuses all commands but the one that began it. So connections begin before
  // the first command; not before the Cluster is ready, because the question whether it is would be refused as well.
  const connectAll = () => {
    for (const server of cluster.nodes('all')) if (server.status === 'wait') server.connect().catch(() => undefined)
  }
  cluster.on('ready', connectAll)
  cluster.on('+node', () => setImmediate(() => cluster.status === 'ready' && connectAll()))

  /** host:port of the primary of each slot. */
  function owners(): string[] {
    return Array.from({ length: 16_384 }, (_, slot) => {
      const owner = cluster.slots[slot]?.[0]
      if (owner === undefined) throw new Error(`no primary of the Cluster holds slot ${slot}`)
      return owner
    })
  }

  return {
    client: cluster,
    fence,
    primaries() {
      const servers = new Map(cluster.nodes('all').map((server) => [nameOf(server), server]))
      return [...new Set(owners())].sort().map((name) => {
        const server = servers.get(name)
        if (!server) throw new Error(`there is no connection to the primary ${name}`)
        return { name, server }
      })
    },
    checkTags() {
      const all = owners()
      const tags = new Map<string, string>()
      const primaries = new Set(all).size
      // One that holds very few slots may not be hit; then its neighbours speak for it.
      for (let i = 0; tags.size < primaries && i < 1000; i += 1) {
        const owner = all[clusterSlotOf(`check${i}`)] ?? ''
        if (!tags.has(owner)) tags.set(owner, `check${i}`)
      }
      return [...tags.values()]
    },
    opened: readyOrLate(cluster).then(async () => {
      await Promise.all(cluster.nodes('all').map(readyOrLate))
    }),
    lastFault: lastFaultOf(cluster),
    close: () => end(cluster)
  }
}

const nameOf = ({ options }: Redis) => `${options.host}:${options.port}`

function lastFaultOf(client: Redis | Cluster): () => Error | undefined {
  let fault: Error | undefined
  // Each call reports the fault that it meets; without a listener ioredis prints it.
  client.on('error', (found: Error) => {
    fault = found
  })
  client.on('ready', () => {
    fault = undefined
  })
  return () => fault
}

async function end(client: Redis | Cluster): Promise<void> {
  if (client.status === 'ready') await client.quit().catch(() => undefined)
  client.disconnect()
}

function readyOrLate(client: Redis | Cluster): Promise<void> {
  return new Promise((resolve) => {
    if (client.status === 'ready') return resolve()
    const late = setTimeout(resolve, OPEN_PATIENCE)
    client.once('ready', () => {
      clearTimeout(late)
      resolve()
    })
  })
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Error(`the store's certificate file ${JSON.stringify(file)} can't be read`, { cause })
  }
}
