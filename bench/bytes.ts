/**
 * npm run bench:bytes: what Keyward's records take in each store, as the table of docs/operators.md. Bytes, unlike times, are
 * the same on every machine: SQLite's are those of its file without the free pages, Redis' those of its memory.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { openAuditTrail } from '../src/audit/trail.ts'
import { createSealer } from '../src/keys/sealing.ts'
import { openDriver } from '../src/store/open-store.ts'
import { createStore } from '../src/store/sealed-store.ts'
import { startRedis } from '../test/harness/redis-server.ts'
import { APP, keywardYaml, newKeys } from './clinic.ts'
import { keywardSeeds } from './keyward-side.ts'
import { inParallel } from './load.ts'
import { usedBytes } from './redis-figures.ts'
import { newJwks } from './stock-provider.ts'

const { values } = parseArgs({ options: { tokens: { type: 'string', default: '5000' } } })
const count = Number(values.tokens)
const REFRESHING = 'openid offline_access'

interface Measured {
  name: string
  url: string
  bytes(): Promise<number>
  stop(): Promise<void>
}

const ROWS = [
  'a person who has allowed one app something: account, user name, consent',
  'an access token and its Grant',
  'a refresh token and its Grant',
  'an audit record: tokens issued'
] as const

async function bytesOfEach({ url, bytes }: Measured): Promise<number[]> {
  const seeds = await keywardSeeds(keywardYaml({ port: 1, store: url, keys: newKeys(), services: [] }), await newJwks())
  const driver = await openDriver(url, { now: Date.now })
  const store = createStore({
    driver,
    sealer: createSealer([{ id: 1, key: randomBytes(32) }]),
    lookupKey: randomBytes(32),
    now: Date.now
  })
  const trail = await openAuditTrail({ store, now: Date.now })
  const issued = () =>
    trail.record(
      { requestId: randomUUID(), address: '203.0.113.7' },
      {
        type: 'token',
        outcome: 'issued',
        grantType: 'refresh_token',
        accountId: randomBytes(16).toString('base64url'),
        grantId: randomBytes(23).toString('base64url'),
        clientId: APP.id,
        fhirServer: 'clinic',
        patient: randomUUID(),
        scopes: REFRESHING.split(' ')
      }
    )
  const people = Math.ceil(count / 10)
  const found: number[] = []
  for (const [each, work] of [
    [people, () => seeds.people(people)],
    [count, () => seeds.accessTokens(count)],
    [count, () => seeds.refreshTokens(count, REFRESHING)],
    [count, () => inParallel(count, 32, issued)]
  ] as const) {
    const before = await bytes()
    await work()
    found.push(((await bytes()) - before) / each)
  }
  await trail.close()
  await store.close()
  await seeds.close()
  return found
}

function sqlite(folder: string): Measured {
  const file = join(folder, 'keyward.db')
  return {
    name: 'SQLite',
    url: `sqlite:${file}`,
    async bytes() {
      const db = new DatabaseSync(file)
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      const [pages, free, size] = ['page_count', 'freelist_count', 'page_size'].map((name) =>
        Number(db.prepare(`PRAGMA ${name}`).get()?.[name])
      )
      db.close()
      return ((pages ?? 0) - (free ?? 0)) * (size ?? 0)
    },
    stop: async () => rmSync(folder, { recursive: true, force: true })
  }
}

async function redis(): Promise<Measured> {
  const server = await startRedis()
  const client = new Redis(server.url)
  return {
    name: 'Redis',
    url: server.url,
    bytes: () => usedBytes(client),
    async stop() {
      client.disconnect()
      await server.stop()
    }
  }
}

const columns: { name: string; found: number[] }[] = []
for (const store of [sqlite(mkdtempSync(join(tmpdir(), 'keyward-bytes-'))), await redis()]) {
  columns.push({ name: store.name, found: await bytesOfEach(store) })
  await store.stop()
}
const line = (cells: string[]): string => `| ${cells.join(' | ')} |`
const rounded = (bytes: number | undefined): string => Math.round(bytes ?? 0).toLocaleString('en')
console.log(line(['bytes', ...columns.map(({ name }) => name)]))
console.log(line(['---', ...columns.map(() => '---')]))
for (const [at, what] of ROWS.entries()) console.log(line([what, ...columns.map(({ found }) => rounded(found[at]))]))
