/** The refusals that our middlewares throw; errors.ts turns them into pages. */

/** `reason` names the texts under errors.* of the locale files: heading, sentence, next. */
export class PageError extends Error {
  override readonly name = 'PageError'
  readonly status: number
  readonly reason: string

  constructor(status: number, reason: string, options?: { cause?: unknown }) {
    super(`${status} ${reason}`, options)
    this.status = status
    this.reason = reason
  }
}
