/** The refusals that our middlewares throw; errors.ts turns them into pages. */

/** `reason` names the texts under errors.* of the locale files: heading, sentence, next. */
export class PageError extends Error {
  override readonly name = 'PageError'
  readonly status: number
  readonly reason: string
  /** In seconds. */
  readonly retryAfter: number | undefined

  constructor(status: number, reason: string, options: { cause?: unknown; retryAfter?: number } = {}) {
    super(`${status} ${reason}`, options)
    this.status = status
    this.reason = reason
    this.retryAfter = options.retryAfter
  }
}
