/**
 * npm run bench: how fast Keyward is, beside a stock oidc-provider and bare Koa handlers. Prints a table and writes
 * docs/speed.md, which says what is measured and how.
 *
 *   --quick        two pairs on a small store, for trying; writes nothing without --write
 *   --pairs N      how many pairs
 *   --tokens N     how many access tokens lie in the store
 *   --million      growth up to a million grants, which takes some minutes and 2 GB of memory more
 *   --largest N    the same up to N grants, for trying
 *   --only TEXT    only what has this in its name: an operation, "sign-ins", "bytes", "growth"
 *   --noisy        count pairs even while other programs use the server's core
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { freePort } from '../test/harness/free-port.ts'
import { startRedis } from '../test/harness/redis-server.ts'
import { PEOPLE } from './clinic.ts'
import { stayOffTheServersCore } from './cpu.ts'
import { measureDuringSignIns } from './during-sign-ins.ts'
import { startKeyward } from './keyward-side.ts'
import { floorTask, OPERATIONS, type Operation, refreshWithoutIdToken, services } from './operations.ts'
import { profileOf } from './profile.ts'
import { read, readInTurn, type Subject } from './readings.ts'
import { bytesByKind, totalOf, usedBytes } from './redis-figures.ts'
import { printTable, writeDocument } from './report.ts'
import { type Measured, meetsBar, type Results, type SideBytes } from './results.ts'
import { startServer } from './servers.ts'
import type { Side } from './side.ts'
import { newJwks } from './stock-provider.ts'
import { startStock } from './stock-side.ts'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    pairs: { type: 'string' },
    tokens: { type: 'string' },
    million: { type: 'boolean', default: false },
    largest: { type: 'string' },
    only: { type: 'string' },
    noisy: { type: 'boolean', default: false }
  }
})
const pairs = Number(options.pairs ?? (options.quick ? 2 : 9))
const tokens = Number(options.tokens ?? (options.quick ? 5000 : 100_000))
const mostOthers = options.noisy ? 1 : 0.12
/** So many tokens for each person. */
const TOKENS_EACH = 10
const SMALLEST = 1000
const largest = options.largest === undefined ? (options.million ? 1_000_000 : undefined) : Number(options.largest)

const started = performance.now()
const say = (line: string): void => void process.stderr.write(`${Math.round((performance.now() - started) / 1000)} s: ${line}\n`)
const countOf = ({ count }: Operation): number => (options.quick ? Math.ceil(count / 4) : count)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
stayOffTheServersCore()
const folder = mkdtempSync(join(tmpdir(), 'keyward-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const jwks = await newJwks()
/** Its log is not written anew in the middle of a reading. */
const newRedis = () => startRedis({ arguments: ['--auto-aof-rewrite-percentage', '0'] })
const server = await newRedis()
const redis = new Redis(server.url)
const shared = { folder, redisUrl: server.url, jwks, services: Object.values(services) }

/** The adapter is a fair one as long as it asks Redis as often as the engine's documentation lets it: 4 and 15. */
async function checkTextbookAdapter(): Promise<void> {
  const stock = await startStock({ ...shared, clientsInStore: false })
  const [introspection] = OPERATIONS
  const seeded = await stock.seeds.accessTokens(10)
  for (const [operation, wanted] of [
    [introspection, 4],
    [refreshWithoutIdToken, 15]
  ] as const) {
    if (!operation) continue
    const { commands } = await read(subjectOf(stock, operation, seeded, redis), 320, PEOPLE)
    if (Math.round(totalOf(commands)) !== wanted)
      throw new Error(`the textbook adapter needs ${totalOf(commands)} commands, not ${wanted}: ${[...commands].join(' ')}`)
  }
  await stock.stop()
  await redis.flushall()
}

function subjectOf(side: Side, operation: Operation, seeded: readonly string[], store: Redis, name: string = side.name): Subject {
  return { name, redis: store, server: () => side.server, prepare: (count) => operation.prepare(side, count, seeded) }
}

async function preload(side: Side, count: number): Promise<{ seeded: string[]; bytes: SideBytes }> {
  const grown = async <T>(each: number, work: () => Promise<T>): Promise<[T, number]> => {
    const before = await usedBytes(redis)
    const made = await work()
    return [made, Math.round((await usedBytes(redis)) - before) / each]
  }
  const people = Math.ceil(count / TOKENS_EACH)
  const [, person] = await grown(people, () => side.seeds.people(people))
  const [seeded, tokenAndGrant] = await grown(count, () => side.seeds.accessTokens(count))
  const refreshing = Math.ceil(count / 5)
  const [, refreshTokenAndGrant] = await grown(refreshing, () => side.seeds.refreshTokens(refreshing, 'openid offline_access'))
  const isKeyward = side.name === 'keyward'
  const kinds = await bytesByKind(redis, isKeyward ? 'kw:1:*' : 'oidc:*', isKeyward ? /^kw:1:\{[^}]*\}:([^:]+)/ : /^oidc:([^:]+)/)
  return { seeded, bytes: { person, tokenAndGrant, refreshTokenAndGrant, kinds } }
}

say('checking the adapter of the stock server')
await checkTextbookAdapter()

say('starting the servers')
const koaPort = await freePort()
const koa = await startServer({ script: 'koa-server.ts', words: [String(koaPort)], port: koaPort, folder, ready: '/' })
const keyward = await startKeyward(shared)
const stock = await startStock({ ...shared, clientsInStore: true })

say(`storing ${tokens} tokens in each`)
const loaded = { stock: await preload(stock, tokens), keyward: await preload(keyward, tokens) }

async function measure(operation: Operation): Promise<Measured> {
  say(operation.title)
  const subjects = [keyward, stock].map((side) => subjectOf(side, operation, loaded[side.name].seeded, redis))
  const { floor } = operation
  if (floor) subjects.push({ name: 'koa', redis, server: () => koa, prepare: async () => floorTask(floor, koaPort) })
  return { operation, ...(await readInTurn({ subjects, count: countOf(operation), pairs, workers: PEOPLE, mostOthers })) }
}

const isWanted = (what: string): boolean => what.includes(options.only ?? '')
const wanted = OPERATIONS.filter(({ title }) => isWanted(title))
const measured: Measured[] = []
for (const operation of wanted) measured.push(await measure(operation))

const info = await redis.info('server')
const manifest = z
  .object({ dependencies: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')))
const results: Results = {
  conditions: {
    machine: `${cpus().length} cores, ${cpus()[0]?.model.trim()}`,
    node: process.version,
    redis: /^redis_version:(.*?)\r?$/m.exec(info)?.[1] ?? '',
    engine: manifest.dependencies['oidc-provider'] ?? '',
    pairs,
    tokens,
    mostOthers,
    minutes: 0
  },
  operations: measured,
  profiles: []
}

if (isWanted('sign-ins')) {
  say('tokens while people sign in')
  results.duringSignIns = await measureDuringSignIns(keyward, pairs)
}
if (isWanted('bytes')) results.bytes = { keyward: loaded.keyward.bytes, stock: loaded.stock.bytes }
if (isWanted('growth')) await measureGrowth()

async function measureGrowth(): Promise<void> {
  const [introspection] = OPERATIONS
  if (!introspection) return
  const others = []
  for (const size of [SMALLEST, ...(largest === undefined ? [] : [largest])]) {
    say(`growth: storing ${size} tokens`)
    const redisServer = await newRedis()
    const store = new Redis(redisServer.url)
    const side = await startKeyward({ ...shared, redisUrl: redisServer.url })
    await side.seeds.people(Math.ceil(size / TOKENS_EACH))
    const seeded = await side.seeds.accessTokens(size)
    others.push({ size, side, store, redisServer, subject: subjectOf(side, introspection, seeded, store, String(size)) })
  }
  const own = { size: tokens, subject: subjectOf(keyward, introspection, loaded.keyward.seeded, redis, String(tokens)) }
  const sizes = [...others, own].toSorted((a, b) => a.size - b.size)
  const subjects = sizes.map(({ subject }) => subject)
  say('growth')
  const { rounds } = await readInTurn({ subjects, count: countOf(introspection), pairs, workers: PEOPLE, mostOthers })
  results.growth = sizes.map(({ size }) => ({ tokens: size, name: String(size) }))
  results.growthRounds = rounds
  for (const { side, store, redisServer } of others) {
    await side.stop()
    store.disconnect()
    await redisServer.stop()
  }
}

for (const { operation } of measured.filter((one) => !meetsBar(one))) {
  say(`profile of ${operation.title}`)
  const profile = await profileOf(keyward, { ...operation, count: countOf(operation) }, loaded.keyward.seeded, folder)
  results.profiles.push({ title: operation.title, profile })
}

results.conditions.minutes = (performance.now() - started) / 60_000
printTable(results)
if (options.only === undefined && (options.write || !options.quick)) writeDocument(results)

await keyward.stop()
await stock.stop()
await koa.stop()
redis.disconnect()
await server.stop()
