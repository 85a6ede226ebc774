/**
 * The process: reads the configuration, listens, opens the store, waiting for it where it is away, and drains on
 * SIGTERM. No logic.
 */
import './config/node-version.ts'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createHashingProcess } from './accounts/hashing-process.ts'
import { createApp, VIEWS } from './app.ts'
import type { Config } from './config/config.ts'
import { ConfigError } from './config/config-error.ts'
import { readConfig } from './config/read-config.ts'
import { createSealer } from './keys/sealing.ts'
import { checkSealing, loadSecrets } from './keys/secrets.ts'
import { createLogger, type Logger } from './observability/logger.ts'
import { smartDiscovery } from './smart/discovery.ts'
import { openDriver } from './store/open-store.ts'
import { createStore } from './store/sealed-store.ts'
import { type SettingsWatch, watchSettings } from './store/settings-watch.ts'
import { StoreUnavailable } from './store/store.ts'
import { createHttpServer, drainable } from './web/http-server.ts'
import { createWaitingApp } from './web/outer-app.ts'

/** How long answers that are under way may take once the process has been told to end, in milliseconds. */
const DRAIN = 10_000
/** The same once something has gone wrong that nobody caught; and until then the process has ended, whatever still waits. */
const DRAIN_AFTER_FAULT = 3000
const LAST_WORDS = 5000
/** Between two tries to reach a store that is away at the start, in milliseconds. */
const LONGEST_PAUSE = 2000

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string' } } })
  if (!values.config) throw new Error('say which configuration: node src/main.ts --config FILE')
  const config = readConfig(values.config, process.env)
  const logger = createLogger({ level: config.log.level })
  const { sealingKeys, lookupKey, cookieKeys } = await loadSecrets(config)
  const now = Date.now
  const driver = await openDriver(config.store, { now })
  const onUnreadable = (kind: string): void => logger.error({ kind }, 'a record can not be opened')
  const store = createStore({ driver, sealer: createSealer(sealingKeys), lookupKey, now, onUnreadable })

  const hashing = createHashingProcess({
    onEnded: (unchecked, reason) => logger.error({ unchecked, reason }, 'passwords are hashed by a new process from now on')
  })
  const ending = new AbortController()
  let settings: SettingsWatch | undefined
  const deps = {
    config,
    cookieKeys,
    store,
    fence: driver.fence,
    logger,
    now,
    isDraining: () => ending.signal.aborted,
    hashing,
    isUnsafe: () => settings?.isUnsafe() === true
  }
  let answer = createWaitingApp({ ...deps, viewsDir: VIEWS, served: smartDiscovery(config) }).callback()
  const server = createHttpServer((req, res) => void answer(req, res), config.listen.tls)
  const { drain } = drainable(server)
  await listen(server, config.listen)

  const building = patiently(logger, ending.signal, async () => {
    settings ??= await watchSettings({ driver, demo: config.demo, logger })
    await checkSealing(store, { lookupKey })
    return createApp(deps)
  })
  const stop = async (draining: Parameters<typeof drain>[0]): Promise<void> => {
    if (ending.signal.aborted) return
    ending.abort()
    logger.info('draining')
    await drain(draining)
    const left = (err: unknown): void => logger.warn({ err }, 'the audit chain could not be closed')
    await (await building)?.close().catch(left)
    settings?.close()
    await hashing.close()
    await store.close()
    logger.info('ended')
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => void stop({ delay: config.listen.drainDelay * 1000, patience: DRAIN }))
  // Nobody caught it, so nobody knows what it left half done: whoever started the process starts it anew, on what is stored.
  process.on('uncaughtException', (err, origin) => {
    logger.fatal({ err, origin }, 'ending, for a fault that nobody caught')
    process.exitCode = 1
    setTimeout(() => process.exit(1), LAST_WORDS)
    void stop({ delay: 0, patience: DRAIN_AFTER_FAULT }).finally(() => process.exit(1))
  })

  const app = await building
  if (!app) return
  app.koa.on('error', (err: unknown) => logger.error({ err }, 'an answer failed'))
  answer = app.koa.callback()
  const { host, port } = config.listen
  logger.info({ issuer: config.issuer, host, port, store: store.driver, demo: config.demo }, 'listening')
}

async function listen(server: Server, { host, port }: Config['listen']): Promise<void> {
  try {
    await once(server.listen(port, host), 'listening')
  } catch (cause) {
    throw new Error(`can't listen at ${host}:${port}`, { cause })
  }
}

/** Tries again, less and less often, while the store is away. Undefined where the process is told to end meanwhile. */
async function patiently<T>(logger: Logger, ending: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
  for (let pause = 100; !ending.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      return await work()
    } catch (err) {
      if (!(err instanceof StoreUnavailable)) throw err
      logger.warn({ err }, 'waiting for the store')
    }
    await delay(pause, undefined, { signal: ending }).catch(() => undefined)
  }
  return undefined
}

try {
  await main()
} catch (error) {
  // A sentence for the operator; the cause's own words, never its stack.
  const { message, cause } = error instanceof Error ? error : new Error(String(error))
  process.stderr.write(`${message}${cause instanceof Error && !(error instanceof ConfigError) ? `: ${cause.message}` : ''}\n`)
  process.exit(1)
}
