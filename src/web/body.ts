/** Reads request bodies, of a bounded size. What they mean is the caller's: forms are read by form.ts. */
import type { Context } from 'koa'
import { PageError } from './page-error.ts'

export const BODY_LIMIT = 56 * 1024

/** The whole body. Throws a PageError 413 where it is larger than the limit. */
export async function readBody(ctx: Context): Promise<Buffer> {
  if ((ctx.request.length ?? 0) > BODY_LIMIT) throw tooLarge(ctx)
  const chunks: Buffer[] = []
  let received = 0
  // The connection must outlive the reading: the refusal still has to be written.
  for await (const chunk of ctx.req.iterator({ destroyOnReturn: false })) {
    received += chunk.length
    if (received > BODY_LIMIT) throw tooLarge(ctx)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The value of a JSON body; undefined where it is none. */
export async function readJson(ctx: Context): Promise<unknown> {
  if (!ctx.is('application/json')) throw new PageError(415, 'unsupported-type')
  const body = await readBody(ctx)
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

function tooLarge(ctx: Context): PageError {
  ctx.set('Connection', 'close')
  return new PageError(413, 'too-large')
}
