/**
 * What an orchestrator asks: does the process live (/livez), and may it be
 * given requests (/readyz). Stands before the Host allow-list, because probes
 * call by address.
 */
import type { Context, Middleware } from 'koa'
import type { Logger } from './logger.ts'

interface Deps {
  /** The store driver's name, as /readyz shows it. */
  driver: string
  /** Rejects while the store can't be used. */
  check: () => Promise<void>
  /** Whether the store answers, and may yet lose records: its settings are wrong. */
  isUnsafe?: (() => boolean) | undefined
  isDraining: () => boolean
  logger: Logger
}

export function health({ driver, check, isUnsafe = () => false, isDraining, logger }: Deps): Middleware {
  async function readiness(): Promise<
    { status: 'ready'; store: string } | { status: 'not-ready'; reason: 'draining' | 'store' | 'store-settings' }
  > {
    if (isDraining()) return { status: 'not-ready', reason: 'draining' }
    try {
      await check()
      return isUnsafe() ? { status: 'not-ready', reason: 'store-settings' } : { status: 'ready', store: driver }
    } catch (err) {
      logger.warn({ err }, 'the store did not pass its check')
      return { status: 'not-ready', reason: 'store' }
    }
  }

  async function tell(ctx: Context): Promise<void> {
    ctx.set('Cache-Control', 'no-store')
    if (ctx.path === '/livez') {
      ctx.body = { status: 'ok' }
      return
    }
    const answer = await readiness()
    ctx.status = answer.status === 'ready' ? 200 : 503
    ctx.body = answer
  }

  return (ctx, next) => {
    const { path } = ctx
    const asked = (path === '/livez' || path === '/readyz') && (ctx.method === 'GET' || ctx.method === 'HEAD')
    return asked ? tell(ctx) : next()
  }
}
