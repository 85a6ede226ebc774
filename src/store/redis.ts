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
import { Command, type Redis } from 'ioredis'
import type { RedisUrl } from '../config/store-url.ts'
import { reached } from '../observability/steps.ts'
import type { DriverWrite, IndexEntry, Place, PlacedPage, Row, StoreDriver } from './driver.ts'
import { connectRedis, type RedisConnection, type Tell } from './redis-connection.ts'
import { COMMIT, DECREMENT, ENTER, INCREMENT, PAGE, type Script, SWEEP } from './redis-scripts.ts'
import { shortages, unsafeSettings } from './redis-settings.ts'
import { StoreUnavailable } from './store.ts'

const SCHEMA_VERSION = '1'
const SCHEMA_KEY = 'kw:schema'

/** Scores of records that never end: later than any time, told apart by a random part. */
const NEVER = 1e15

class WrongSchema extends Error {}

/**
 * Does not fail where Redis is away: it connects in the background, and until then each call throws
 * StoreUnavailable.
 */
export async function openRedis(url: RedisUrl, now: () => number): Promise<StoreDriver> {
  const connection = await connectRedis(url, now)
  const driver = redisDriver(url, connection, now)
  if (connection.client.status === 'ready') {
    await driver.count({ kind: 'check', tag: 'check', id: 'check' }).catch((problem) => {
      if (problem instanceof StoreUnavailable) return
      connection.client.disconnect()
      throw problem
    })
  }
  return driver
}

function redisDriver(url: RedisUrl, connection: RedisConnection, now: () => number): StoreDriver {
  const { client, tell } = connection
  const send: Tell = (name, ...words) => client.call(name, ...words)
  let schemaKnown = false
  let asked = new Map<string, Promise<Buffer | null>>()

  /**
   * Reads of one key in one turn of the event loop are one: none has left yet (gathered-writes.ts), so that it finds what whoever
   * asks later in the turn would find. The client that a FHIR server is comes with each of its requests.
   */
  function read(key: string): Promise<Buffer | null> {
    const same = asked.get(key)
    if (same) return same
    if (asked.size === 0) {
      setImmediate(() => {
        // Not emptied: what an emptied Map has held is led to by the one before it, and stays for as long.
        asked = new Map()
      })
    }
    const command = new Command('get', [key], { replyEncoding: null })
    const reading = command.promise
    asked.set(key, reading)
    client.sendCommand(command)
    return reading
  }

  async function ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      if (!schemaKnown) await checkSchema()
      return await work()
    } catch (cause) {
      if (cause instanceof WrongSchema || cause instanceof TypeError) throw cause
      throw new StoreUnavailable('Redis can not be reached or did not answer', { cause: connection.lastFault() ?? cause })
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

  /** `tell`: what is done with it counts once enough replicas have it. */
  async function run({ sha, text }: Script, keys: string[], args: (string | number | Buffer)[], tell = send): Promise<unknown> {
    try {
      return await tell('evalsha', sha, keys.length, ...keys, ...args)
    } catch (problem) {
      if (!(problem instanceof Error) || !problem.message.startsWith('NOSCRIPT')) throw problem
      return tell('eval', text, keys.length, ...keys, ...args)
    }
  }

  /** Milliseconds until Redis may collect the value, at least one. */
  const lifeOf = (expiresAt: number) => Math.max(1, Math.ceil(expiresAt - now()))

  async function write(writes: DriverWrite[]): Promise<boolean> {
    const [first] = writes
    if (writes.length === 1 && first?.payload && first.condition === 'none') {
      const value = encodeValue(first.payload, first.expiresAt)
      if (first.expiresAt === undefined) await tell('set', keyOf(first.place), value)
      else await tell('set', keyOf(first.place), value, 'PX', lifeOf(first.expiresAt))
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
    return (await run(COMMIT, keys, [now(), ...args], tell)) === 1
  }

  async function enterAll(writes: DriverWrite[]) {
    const entries = writes.flatMap((each) =>
      each.payload && !each.indexed ? each.indexes.map((entry) => ({ entry, place: each.place, expiresAt: each.expiresAt })) : []
    )
    await Promise.all(
      entries.map(({ entry, place, expiresAt }) => {
        const score = expiresAt === undefined ? NEVER + randomInt(1e12) : expiresAt + randomInt(1000)
        const args = [now(), `${place.tag}:${place.id}`, score, randomInt(1, 1000)]
        return run(ENTER, [indexKeyOf(place.kind, entry)], args, tell)
      })
    )
  }

  /** A page of what lies under the keys of a kind, `*` for all kinds: server by server. */
  async function scan(kind: string, { after, limit }: { after?: string; limit: number }): Promise<PlacedPage> {
    const primaries = connection.primaries()
    const names = primaries.map(({ name }) => name).join()
    const [before, at, cursor] = after?.split(' ') ?? [names, '0', '0']
    const server = primaries[Number(at)]?.server
    // What lay at one that has gone would be passed over in silence.
    if (before !== names || !server || cursor === undefined)
      throw new Error('the Cluster has other primaries than this walk began with')
    const [next, keys] = await server.scan(cursor, 'MATCH', `kw:1:{*}:${kind}:*`, 'COUNT', limit)
    const rows = await Promise.all(
      keys.map(async (key) => {
        const place = placeOf(key)
        const payload = place && payloadOf(await client.getBuffer(key))
        return place && payload ? [{ place, payload }] : []
      })
    )
    const turn = next === '0' ? Number(at) + 1 : Number(at)
    return turn === primaries.length ? { rows: rows.flat() } : { rows: rows.flat(), next: `${names} ${turn} ${next}` }
  }

  async function problemsOf(look: (server: Redis) => Promise<string[]>): Promise<string[]> {
    const found = connection.primaries().map(async ({ name, server }) => {
      const problems = await look(server)
      return problems.map((problem) => `Redis${name && ` at ${name}`}: ${problem}`)
    })
    return (await Promise.all(found)).flat()
  }

  return {
    name: url.form === 'cluster' ? 'redis-cluster' : 'redis',
    fence: connection.fence,
    get: (place) => ask(() => read(keyOf(place)).then(payloadOf)),

    commit: (writes) =>
      ask(async () => {
        await enterAll(writes)
        reached('redis:entered')
        const written = await write(writes)
        reached('redis:written')
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

    walk: (kind, page) =>
      ask(async () => {
        const { rows, next } = await scan(kind, page)
        const found = rows.map(({ place: { id }, payload }) => ({ id, payload }))
        return next === undefined ? { rows: found } : { rows: found, next }
      }),

    everything: (page) =>
      ask(async () => {
        const { rows, next } = await scan('*', page)
        const records = rows.filter(({ payload }) => !isCount(payload))
        return next === undefined ? { rows: records } : { rows: records, next }
      }),

    increment: (place, lifetime, most) =>
      ask(async () => Number(await run(INCREMENT, [keyOf(place)], [now(), lifetime, most ?? '']))),

    decrement: (place) =>
      ask(async () => {
        await run(DECREMENT, [keyOf(place)], [now()])
      }),

    count: (place) =>
      ask(async () => {
        const value = await client.getBuffer(keyOf(place))
        return value && value.readDoubleBE(0) > now() ? Number(value.subarray(8).toString()) : 0
      }),

    check: () =>
      ask(async () => {
        const outcomes = connection.checkTags().map(async (tag) => {
          const key = keyOf({ kind: 'check', tag, id: 'written' })
          await client.set(key, '1', 'PX', 60_000)
          if (!(await client.get(key))) throw new Error('Redis does not return what it was given')
        })
        await Promise.all(outcomes)
      }),

    unsafeSettings: () =>
      ask(async () => {
        await checkSchema()
        return problemsOf((server) => unsafeSettings(server, now))
      }),

    shortages: () => ask(() => problemsOf(shortages)),

    close: () => connection.close()
  }
}

const RECORD_KEY = /^kw:1:\{([\w-]{8})\}:([\w-]+):([\w-]+)$/
/** More digits a count never has, and no record is so short. */
const COUNT = /^\d{0,16}$/

function placeOf(key: string): Place | undefined {
  const [, tag, kind, id] = RECORD_KEY.exec(key) ?? []
  return tag !== undefined && kind !== undefined && id !== undefined ? { tag, kind, id } : undefined
}

const isCount = (payload: Uint8Array) => payload.length <= 16 && COUNT.test(Buffer.from(payload).toString('latin1'))

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
