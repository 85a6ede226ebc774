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
  return (ctx, next) => {
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
    return next()
  }
}

function shownPath({ path }: Context, maskedAfter: readonly string[]): string {
  const second = path.indexOf('/', 1)
  const shown = second > 0 && maskedAfter.includes(path.slice(1, second).toLowerCase()) ? masked(path, second) : path
  return shown.length > LONGEST_PATH ? `${shown.slice(0, LONGEST_PATH)}...` : shown
}

function masked(path: string, second: number): string {
  const third = path.indexOf('/', second + 1)
  return `${path.slice(0, second)}/:id${third < 0 ? '' : path.slice(third)}`
}
