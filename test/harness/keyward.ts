/**
 * A Keyward for one test: the real application, over real HTTP on a free port of
 * 127.0.0.1, on a store of its own. It runs in the test's process, so that a test
 * can move Date and read the audit trail; what has to die and come back runs
 * as a process (keyward-process.ts).
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { createApp } from '../../src/app.ts'
import type { AuditEvent, AuditRecord } from '../../src/audit/event.ts'
import { readAudit } from '../../src/audit/read.ts'
import type { Config } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/read-config.ts'
import { createSealer } from '../../src/keys/sealing.ts'
import { createLogger } from '../../src/observability/logger.ts'
import type { StoreDriver } from '../../src/store/driver.ts'
import { openDriver } from '../../src/store/open-store.ts'
import { createStore } from '../../src/store/sealed-store.ts'
import type { Kind, Store } from '../../src/store/store.ts'
import { createHttpServer, drainable } from '../../src/web/http-server.ts'
import { clinicYaml } from './clinic-config.ts'
import { freePort } from './free-port.ts'
import type { RedisServer } from './redis-server.ts'
import { keepWritten } from './run-folder.ts'
import { startRedisOf } from './shared-redis.ts'

export type StoreName = 'sqlite' | 'redis' | 'redis-cluster'
/** What each flow test runs on; vitest.config.ts runs them a second time, on a Cluster. */
export const STORES: StoreName[] = process.env.KEYWARD_FLOWS_ON === 'redis-cluster' ? ['redis-cluster'] : ['sqlite', 'redis']

export interface Keyward {
  issuer: string
  config: Config
  store: Store
  /** What has been written to the log, line by line. */
  log: string[]
  /** The audit trail as it is now, oldest first; the chain's own records too. */
  audit(): Promise<AuditRecord[]>
  auditEvents<T extends AuditEvent['type']>(type: T): Promise<Extract<AuditEvent, { type: T }>[]>
  /** Puts one that can't be opened, because another key sealed it, in the place of a record. */
  spoil(kind: Kind<unknown>, id: string): Promise<void>
  redis?: RedisServer
  stop(): Promise<void>
}

export interface KeywardOptions {
  store?: StoreName
  /** Changes to the sample clinic's configuration, after it was parsed. */
  change?: (config: Config) => Config
  /** A Redis that several share; otherwise each gets its own. */
  redis?: RedisServer
  secrets?: TestSecrets
  port?: number
  /** Puts something between the application and its store, to make parts of it fail. */
  wrapStore?: (store: Store) => Store
  /** A SQLite file, `sqlite:/path`, for what has to outlive a Keyward; otherwise it is in memory. */
  storeUrl?: string
  /** In milliseconds: how often it looks for changed signing keys. */
  signingKeysEvery?: number
}

export interface TestSecrets {
  sealingKeys: { id: number; key: Uint8Array }[]
  lookupKey: Uint8Array
  cookieKeys: string[]
}

export function newSecrets(): TestSecrets {
  return {
    sealingKeys: [{ id: 1, key: randomBytes(32) }],
    lookupKey: randomBytes(32),
    cookieKeys: [randomBytes(32).toString('base64url')]
  }
}

export async function startKeyward(options: KeywardOptions = {}): Promise<Keyward> {
  const port = options.port ?? (await freePort())
  const parsed = parseConfig(clinicYaml({ port }), { env: {}, baseDir: '.' })
  const config = options.change ? options.change(structuredClone(parsed)) : parsed
  const { sealingKeys, lookupKey, cookieKeys } = options.secrets ?? newSecrets()
  const ownRedis = options.redis ? undefined : await startRedisOf(options.store)
  const redis = options.redis ?? ownRedis
  const now = () => Date.now()
  const isRedis = options.store?.startsWith('redis') === true && redis !== undefined
  const driver = await openDriver(isRedis ? redis.url : (options.storeUrl ?? 'sqlite::memory:'), { now })
  const store = createStore({ driver, sealer: createSealer(sealingKeys), lookupKey, now })
  const log: string[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      log.push(String(chunk))
      done()
    }
  })
  let draining = false
  const logger = createLogger({ level: 'debug', destination })
  const used = options.wrapStore?.(store) ?? store
  const app = await createApp({
    config,
    cookieKeys,
    store: used,
    fence: driver.fence,
    logger,
    now,
    isDraining: () => draining,
    signingKeysEvery: options.signingKeysEvery
  })
  const server = createHttpServer(app.koa.callback())
  const { drain } = drainable(server)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')

  async function audit(): Promise<AuditRecord[]> {
    const records: AuditRecord[] = []
    for await (const record of readAudit(store)) records.push(record)
    return records
  }

  return {
    issuer: config.issuer,
    config,
    store,
    log,
    audit,
    async auditEvents<T extends AuditEvent['type']>(type: T) {
      const events = (await audit()).map(({ event }) => event)
      return events.filter((event): event is Extract<AuditEvent, { type: T }> => event.type === type)
    },
    async spoil(kind, id) {
      const otherKey = createSealer([{ id: 1, key: randomBytes(32) }])
      await createStore({ driver, sealer: otherKey, lookupKey, now }).put(kind, id, {})
    },
    ...(redis ? { redis } : {}),
    async stop() {
      draining = true
      await drain({ delay: 0, patience: 1000 })
      // A test may have taken the store away; what it took can't be closed in order.
      await app.close().catch(() => undefined)
      keepWritten('keyward.log', log.join(''))
      if (driver.name === 'sqlite') keepWritten('keyward.rows', await rowsOf(driver).catch(() => new Uint8Array()))
      await store.close().catch(() => undefined)
      await ownRedis?.stop()
    }
  }
}

/** Every record as it lies in the store. */
async function rowsOf(driver: StoreDriver): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let after: string | undefined
  do {
    const { rows, next } = await driver.everything({ limit: 1000, ...(after === undefined ? {} : { after }) })
    for (const { place, payload } of rows) parts.push(Buffer.from(`${place.kind} ${place.id} `), payload)
    after = next
  } while (after !== undefined)
  return Buffer.concat(parts)
}

/** The store that a server says it runs on: flow tests assert it, so that none passes on another than it names. */
export async function storeOf(issuer: string): Promise<unknown> {
  const answer = await fetch(`${issuer}/readyz`)
  const { store }: { store?: unknown } = JSON.parse(await answer.text())
  return store
}
