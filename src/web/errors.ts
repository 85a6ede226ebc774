/**
 * What people and programs see when something is refused or breaks: a page or a
 * JSON object, generic words and the request's id. Causes go to the log only.
 */
import { randomInt } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Context, Middleware } from 'koa'
import type { Logger } from '../observability/logger.ts'
import { StoreUnavailable } from '../store/store.ts'
import { PageError } from './page-error.ts'
import { hasPages, render, translatorOf } from './render.ts'
import { sourceOf } from './request.ts'

interface Refusal {
  status: number
  /** Names the texts under errors.* of the locale files. */
  reason: string
}

const REASONS: Record<number, string> = {
  400: 'bad-request',
  401: 'bad-request',
  403: 'forbidden',
  404: 'not-found',
  405: 'method',
  413: 'too-large',
  414: 'address-too-long',
  415: 'unsupported-type',
  431: 'too-large',
  503: 'unavailable'
}
const ERROR_CODES: Record<number, string> = {
  401: 'invalid_client',
  403: 'access_denied',
  404: 'not_found',
  405: 'method_not_allowed',
  429: 'slow_down',
  500: 'server_error',
  501: 'server_error',
  503: 'temporarily_unavailable'
}

export function errorPages({ logger }: { logger: Logger }): Middleware {
  return async (ctx, next) => {
    try {
      await next()
    } catch (err) {
      const refusal = refusalOf(err)
      logRefusal(logger, ctx, refusal, err)
      // A head that was written can't be taken back; the peer sees a broken answer.
      if (ctx.headerSent) throw err
      // Of the answer that was on its way nothing leaves: it may hold an authorization code.
      ctx.remove('Location')
      if (err instanceof PageError && err.retryAfter !== undefined) ctx.set('Retry-After', String(err.retryAfter))
      renderErrorPage(ctx, refusal.reason, refusal.status, logger)
      return
    }
    const isUnanswered = ctx.body === undefined || ctx.body === null
    if (isUnanswered && (ctx.status === 404 || ctx.status === 405 || ctx.status === 501)) {
      renderErrorPage(ctx, ctx.status === 404 ? 'not-found' : 'method', ctx.status, logger)
    }
  }
}

/** What an error becomes. StoreUnavailable may be wrapped: the engine hangs what it caught on its own errors. */
function refusalOf(err: unknown): Refusal {
  if (err instanceof PageError) return { status: err.status, reason: err.reason }
  for (let cause: unknown = err, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth += 1) {
    if (cause instanceof StoreUnavailable) return { status: 503, reason: 'unavailable' }
  }
  // http-errors and the engine's errors say whether they are meant for the peer.
  if (err instanceof Error && 'expose' in err && err.expose === true && 'status' in err && typeof err.status === 'number') {
    if (err.status >= 400 && err.status < 500) return { status: err.status, reason: reasonFor(err.status) }
  }
  return { status: 500, reason: 'internal' }
}

/** Answers with the page, or the JSON object, for a refusal. */
export function renderErrorPage(ctx: Context, reason: string, status: number, logger?: Logger): void {
  const { requestId } = sourceOf(ctx)
  if (status === 503) ctx.set('Retry-After', String(randomInt(1, 4)))
  ctx.set('Cache-Control', 'no-store')
  if (!ctx.get('Accept').toLowerCase().includes('text/html')) {
    ctx.status = status
    ctx.body = {
      error: ERROR_CODES[status] ?? 'invalid_request',
      error_description: STATUS_CODES[status] ?? 'Error',
      request_id: requestId
    }
    return
  }
  try {
    if (!hasPages(ctx)) throw new Error('pages() has not seen this request')
    const t = translatorOf(ctx)
    const [heading, sentence, nextStep] = ['heading', 'sentence', 'next'].map((part) => t(`errors.${reason}.${part}`))
    render(ctx, 'error', { heading, sentence, nextStep, id: requestId, app: null }, status)
  } catch (err) {
    logger?.error({ err, requestId, reason }, 'the error page can not be shown')
    ctx.status = status
    ctx.type = 'text/plain; charset=utf-8'
    ctx.body = `${STATUS_CODES[status] ?? 'Error'}\n${requestId}\n`
  }
}

function reasonFor(status: number): string {
  return REASONS[status] ?? 'bad-request'
}

function logRefusal(logger: Logger, ctx: Context, { status, reason }: Refusal, err: unknown): void {
  const members = { requestId: sourceOf(ctx).requestId, status, reason, err }
  if (status >= 500) logger.error(members, 'request failed')
  else logger.info(members, 'request refused')
}
