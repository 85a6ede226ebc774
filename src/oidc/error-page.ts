/** How the engine's refusals look where no app can be told of them: our page for a browser, the protocol's JSON for a program. */
import { type ErrorOut, errors, type KoaContextWithOIDC } from 'oidc-provider'
import { renderErrorPage } from '../web/errors.ts'
import { sourceOf } from '../web/request.ts'

export function renderEngineError(ctx: KoaContextWithOIDC, out: ErrorOut, error: Error): void {
  const asksForPage = ctx.get('Accept').toLowerCase().includes('text/html')
  if (asksForPage) {
    renderErrorPage(ctx, reasonOf(error), ctx.status)
    return
  }
  const { error: code, error_description } = out
  ctx.body = { error: code, error_description, request_id: sourceOf(ctx).requestId }
}

function reasonOf(error: Error): string {
  if (error instanceof errors.SessionNotFound)
    return /expired|not found/.test(error.error_description ?? '') ? 'expired' : 'other-browser'
  return 'bad-request'
}
