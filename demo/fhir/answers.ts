/** How this server answers: FHIR's JSON, and every refusal or fault as an OperationOutcome. */
import type { Context, Middleware } from 'koa'
import { FhirError, operationOutcome } from './outcome.ts'

const JSON_TYPES = ['application/fhir+json', 'application/json', 'json']

export function answer(ctx: Context, status: number, resource: object): void {
  ctx.status = status
  ctx.body = JSON.stringify(resource)
  ctx.set('Content-Type', 'application/fhir+json; charset=utf-8')
}

export function answerFaults(): Middleware {
  return async (ctx, next) => {
    ctx.set('Cache-Control', 'no-store')
    ctx.set('X-Content-Type-Options', 'nosniff')
    try {
      await next()
    } catch (error) {
      const known = error instanceof FhirError ? error : new FhirError(500, 'exception', 'Something went wrong on this server')
      if (known !== error) ctx.app.emit('error', error, ctx)
      ctx.set(known.headers)
      answer(ctx, known.status, operationOutcome(known.issue, known.message))
    }
  }
}

/** This server speaks JSON only; `_format`, where given, outweighs the Accept header. */
export function checkFormat(ctx: Context): void {
  const format = new URLSearchParams(ctx.querystring).get('_format')
  const type = format?.split(';')[0]?.trim().replace(' ', '+')
  const acceptable = type === undefined ? ctx.accepts(JSON_TYPES) !== false : JSON_TYPES.includes(type)
  if (!acceptable) throw new FhirError(406, 'not-supported', 'This server answers in JSON only')
}
