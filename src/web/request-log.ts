/** One line a request: what was asked and how it ended. Never a query, a body, or an id that opens something. */
import type { Context, Middleware } from 'koa'
import type { Logger } from '../observability/logger.ts'
import { sourceOf } from './request.ts'

interface Options {
  logger: Logger
  /** First segments of paths whose second is the id of something in progress. */
  maskedAfter: readonly string[]
  /** Paths asked every few seconds: logged at debug. */
  quiet: readonly string[]
  now: () => number
}

const LONGEST_PATH = 200

export function requestLog({ logger, maskedAfter, quiet, now }: Options): Middleware {
  return async (ctx, next) => {
    const started = now()
    ctx.res.once('close', () => {
      const line = {
        requestId: sourceOf(ctx).requestId,
        method: ctx.method,
        path: shownPath(ctx, maskedAfter),
        status: ctx.res.statusCode,
        ms: now() - started,
        ...(ctx.res.writableFinished ? {} : { aborted: true })
      }
      if (quiet.includes(ctx.path)) logger.debug(line, 'request')
      else logger.info(line, 'request')
    })
    await next()
  }
}

function shownPath(ctx: Context, maskedAfter: readonly string[]): string {
  const [, first = '', , ...rest] = ctx.path.split('/')
  const isMasked = maskedAfter.includes(first.toLowerCase()) && ctx.path.split('/').length > 2
  const path = isMasked ? ['', first, ':id', ...rest].join('/') : ctx.path
  return path.length > LONGEST_PATH ? `${path.slice(0, LONGEST_PATH)}...` : path
}
