/**
 * The Redis driver. Every command touches one key or one hash slot, the braces in a key name it, so that all of
 * this holds on a Cluster too: records with the same tag share a slot, each index has its own.
 *
 *   kw:1:{tag}:<kind>:<id>              a record or a counter (value: redis-scripts.ts)
 *   kw:1:{value}:idx:<kind>:<name>      an index: sorted set of <tag>:<id> by expiry
 *
 * An index can't change in one step with its records. So a record is entered before it is written (else a
 * crash between the two would hide it), and once more after (see SWEEP); an entry without a record is skipped and swept.
 */
import { randomInt } from 'node:crypto'
import { Redis } from 'ioredis'
import type { DriverWrite, IndexEntry, Place, Row, StoreDriver } from './driver.ts'
import { COMMIT, ENTER, INCREMENT, PAGE, type Script, SWEEP } from './redis-scripts.ts'
import { StoreUnavailable } from './store.ts'

const SCHEMA_VERSION = '1'
const SCHEMA_KEY = 'kw:schema'
const CHECK_KEY = 'kw:1:{check}:check'

/** In milliseconds. */
const COMMAND_TIMEOUT = 800
const OPEN_PATIENCE = 2000
const LONGEST_RECONNECT_PAUSE = 1000

/** Scores of records that never end: later than any time, told apart by a random part. */
const NEVER = 1e15

class WrongSchema extends Error {}

/**
 * Does not fail where Redis is away: it connects in the background, and until then each call throws
 * StoreUnavailable.
 */
export async function openRedis(url: string, now: () => number): Promise<StoreDriver> {
  const client = new Redis(url, {
    commandTimeout: COMMAND_TIMEOUT,
    connectTimeout: OPEN_PATIENCE,
    enableOfflineQueue: false,
    // Nothing is sent twice: a compare-and-set that had won would lose to itself.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (times) => Math.min(times * 50, LONGEST_RECONNECT_PAUSE)
  })
  const driver = redisDriver(client, now)
  await readyOrLate(client)
  if (client.status === 'ready') {
    await driver.count({ kind: 'check', tag: 'check', id: 'check' }).catch((problem) => {
      if (problem instanceof StoreUnavailable) return
      client.disconnect()
      throw problem
    })
  }
  return driver
}

function readyOrLate(client: Redis): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, OPEN_PATIENCE)
    client.once('ready', () => {
      clearTimeout(late)
      resolve()
    })
  })
}

function redisDriver(client: Redis, now: () => number): StoreDriver {
  let schemaKnown = false
  let lastFault: Error | undefined
  // Each call reports the fault that it meets; without a listener ioredis prints it.
  client.on('error', (fault: Error) => {
    lastFault = fault
  })
  client.on('ready', () => {
    lastFault = undefined
  })

  async function ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      if (!schemaKnown) await checkSchema()
      return await work()
    } catch (cause) {
      if (cause instanceof WrongSchema || cause instanceof TypeError) throw cause
      throw new StoreUnavailable('Redis can not be reached or did not answer', { cause: lastFault ?? cause })
    }
  }

  async function checkSchema() {
    await client.set(SCHEMA_KEY, SCHEMA_VERSION, 'NX')
    const found = await client.get(SCHEMA_KEY)
    if (found !== SCHEMA_VERSION) {
      throw new WrongSchema(`the store in Redis has schema version ${found}, and this release knows ${SCHEMA_VERSION}`)
    }
    schemaKnown = true
  }

  async function run({ sha, text }: Script, keys: string[], args: (string | number | Buffer)[]): Promise<unknown> {
    try {
      return await client.evalsha(sha, keys.length, ...keys, ...args)
    } catch (problem) {
      if (!(problem instanceof Error) || !problem.message.startsWith('NOSCRIPT')) throw problem
      return client.eval(text, keys.length, ...keys, ...args)
    }
  }

  /** Milliseconds until Redis may collect the value, at least one. */
  const lifeOf = (expiresAt: number) => Math.max(1, Math.ceil(expiresAt - now()))

  async function write(writes: DriverWrite[]): Promise<boolean> {
    const [first] = writes
    if (writes.length === 1 && first?.payload && first.condition === 'none') {
      const value = encodeValue(first.payload, first.expiresAt)
      if (first.expiresAt === undefined) await client.set(keyOf(first.place), value)
      else await client.set(keyOf(first.place), value, 'PX', lifeOf(first.expiresAt))
      return true
    }
    const args = writes.flatMap((each) => {
      const bytes = typeof each.condition === 'string' ? '' : Buffer.from(each.condition)
      const condition = typeof each.condition === 'string' ? each.condition : 'same'
      if (!each.payload) return [condition, bytes, '', 0]
      return [
        condition,
        bytes,
        encodeValue(each.payload, each.expiresAt),
        each.expiresAt === undefined ? 0 : lifeOf(each.expiresAt)
      ]
    })
    const keys = writes.map(({ place }) => keyOf(place))
    return (await run(COMMIT, keys, [now(), ...args])) === 1
  }

  async function enterAll(writes: DriverWrite[]) {
    const entries = writes.flatMap((each) =>
      each.payload && !each.indexed ? each.indexes.map((entry) => ({ entry, place: each.place, expiresAt: each.expiresAt })) : []
    )
    await Promise.all(
      entries.map(({ entry, place, expiresAt }) => {
        const score = expiresAt === undefined ? NEVER + randomInt(1e12) : expiresAt + randomInt(1000)
        return run(ENTER, [indexKeyOf(place.kind, entry)], [now(), `${place.tag}:${place.id}`, score, randomInt(1, 1000)])
      })
    )
  }

  return {
    name: 'redis',
    get: (place) => ask(async () => payloadOf(await client.getBuffer(keyOf(place)))),

    commit: (writes) =>
      ask(async () => {
        await enterAll(writes)
        const written = await write(writes)
        if (written) await enterAll(writes)
        return written
      }),

    list: (kind, entry, { after = '0', limit }) =>
      ask(async () => {
        const index = indexKeyOf(kind, entry)
        const entries = pairsOf(await run(PAGE, [index], [now(), after, limit]))
        const found = await Promise.all(
          entries.map(async ({ member, score }) => {
            const [tag = '', id = ''] = member.split(':')
            return { member, score, id, payload: payloadOf(await client.getBuffer(keyOf({ kind, tag, id }))) }
          })
        )
        const gone = found.filter(({ payload }) => !payload)
        if (gone.length > 0)
          await run(
            SWEEP,
            [index],
            gone.flatMap(({ member, score }) => [member, score])
          )
        const rows = found.flatMap<Row>(({ id, payload }) => (payload ? [{ id, payload }] : []))
        const next = entries.length === limit ? entries.at(-1)?.score : undefined
        return next === undefined ? { rows } : { rows, next }
      }),

    walk: (kind, { after = '0', limit }) =>
      ask(async () => {
        const [next, keys] = await client.scan(after, 'MATCH', `kw:1:{*}:${kind}:*`, 'COUNT', limit)
        const rows = await Promise.all(
          keys.map(async (key): Promise<Row[]> => {
            const id = RECORD_KEY.exec(key)?.[1]
            const payload = id === undefined ? undefined : payloadOf(await client.getBuffer(key))
            return id !== undefined && payload ? [{ id, payload }] : []
          })
        )
        return next === '0' ? { rows: rows.flat() } : { rows: rows.flat(), next }
      }),

    increment: (place, lifetime) => ask(async () => Number(await run(INCREMENT, [keyOf(place)], [now(), lifetime]))),

    count: (place) =>
      ask(async () => {
        const value = await client.getBuffer(keyOf(place))
        return value && value.readDoubleBE(0) > now() ? Number(value.subarray(8).toString()) : 0
      }),

    check: () =>
      ask(async () => {
        await client.set(CHECK_KEY, '1', 'PX', 60_000)
        if (!(await client.get(CHECK_KEY))) throw new Error('Redis does not return what it was given')
      }),

    async close() {
      if (client.status === 'ready') await client.quit().catch(() => undefined)
      client.disconnect()
    }
  }
}

const RECORD_KEY = /^kw:1:\{[\w-]{8}\}:[\w-]+:([\w-]+)$/

const keyOf = ({ kind, tag, id }: Place) => `kw:1:{${tag}}:${kind}:${id}`
const indexKeyOf = (kind: string, { name, value }: IndexEntry) => `kw:1:{${value}}:idx:${kind}:${name}`

function encodeValue(payload: Uint8Array, expiresAt = 0): Buffer {
  const value = Buffer.allocUnsafe(8 + payload.length)
  value.writeDoubleBE(expiresAt)
  value.set(payload, 8)
  return value
}

const payloadOf = (value: Buffer | null) => value?.subarray(8)

function pairsOf(flat: unknown): { member: string; score: string }[] {
  if (!Array.isArray(flat)) throw new TypeError('a page of an index is a list')
  return Array.from({ length: flat.length / 2 }, (_, i) => ({ member: String(flat[2 * i]), score: String(flat[2 * i + 1]) }))
}
