/** The process: reads the configuration, opens the store, listens, and drains on SIGTERM. No logic. */
import { parseArgs } from 'node:util'
import { createApp } from './app.ts'
import { ConfigError } from './config/config-error.ts'
import { readConfig } from './config/read-config.ts'
import { createSealer } from './keys/sealing.ts'
import { checkSealing, loadSecrets } from './keys/secrets.ts'
import { createLogger } from './observability/logger.ts'
import { openDriver } from './store/open-store.ts'
import { createStore } from './store/sealed-store.ts'
import { createHttpServer, drainable } from './web/limits.ts'

/** How long answers that are under way may take once the process has been told to end, in milliseconds. */
const DRAIN = 10_000

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
  await checkSealing(store, { lookupKey })

  let draining = false
  const app = await createApp({ config, cookieKeys, store, logger, now, isDraining: () => draining })
  app.koa.on('error', (err: unknown) => logger.error({ err }, 'an answer failed'))
  const server = createHttpServer(app.koa.callback(), config.listen.tls)
  const { drain } = drainable(server)
  const { host, port } = config.listen
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  logger.info({ issuer: config.issuer, host, port, store: store.driver, demo: config.demo }, 'listening')

  const stop = async (): Promise<void> => {
    if (draining) return
    draining = true
    logger.info('draining')
    await drain(DRAIN)
    await app.close()
    await store.close()
    logger.info('ended')
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop())
}

try {
  await main()
} catch (error) {
  // A sentence for the operator; the cause's own words, never its stack.
  const { message, cause } = error instanceof Error ? error : new Error(String(error))
  process.stderr.write(`${message}${cause instanceof Error && !(error instanceof ConfigError) ? `: ${cause.message}` : ''}\n`)
  process.exit(1)
}
