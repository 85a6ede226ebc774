/**
 * Whether the store's own settings may lose records: asked at the start, then again and again, because an operator may change
 * them under a running server. A start in production is refused; a server that runs on is not ready, so that its load balancer
 * turns away from it, and what is under way can end. The demo only says so in its log.
 */
import type { Logger } from '../observability/logger.ts'
import type { StoreDriver } from './driver.ts'
import { StoreUnavailable } from './store.ts'

/** In milliseconds. */
const EVERY = 10_000

export interface SettingsWatch {
  isUnsafe(): boolean
  close(): void
}

interface Deps {
  driver: StoreDriver
  demo: boolean
  logger: Logger
  every?: number
}

/** Rejects in production where the settings are unsafe, and everywhere where the store does not answer. */
export async function watchSettings({ driver, demo, logger, every = EVERY }: Deps): Promise<SettingsWatch> {
  let problems = await driver.unsafeSettings()
  if (problems.length > 0 && !demo) throw new Error(`the store may lose records: ${problems.join('; ')}`)
  if (problems.length > 0) logger.warn({ problems }, 'the store may lose records: production would not start')
  let asking = false
  let short: string[] = []

  /** An alarm, no reason to turn away: what is left is for those who are served. */
  async function askForShortages(): Promise<void> {
    const found = await driver.shortages().catch(() => short)
    if (found.length > 0 && short.length === 0) logger.error({ problems: found }, 'ALARM: the store is nearly full')
    if (found.length === 0 && short.length > 0) logger.info('the store has room again')
    short = found
  }

  async function ask(): Promise<void> {
    if (asking) return
    asking = true
    const found = await driver.unsafeSettings().catch((fault: unknown) => {
      // While the store is away nothing new is known of it, and its check says so.
      if (fault instanceof StoreUnavailable) return problems
      return [fault instanceof Error ? fault.message : String(fault)]
    })
    await askForShortages()
    asking = false
    const changed = found.join() !== problems.join()
    problems = found
    if (changed && problems.length > 0) logger.error({ problems }, 'the store may lose records')
    if (changed && problems.length === 0) logger.info('the settings of the store are safe again')
  }

  await askForShortages()
  const timer = setInterval(() => void ask(), every).unref()
  return { isUnsafe: () => !demo && problems.length > 0, close: () => clearInterval(timer) }
}
