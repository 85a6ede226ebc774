/** Reads request bodies, of a bounded size. What they mean is the caller's: forms are read by form.ts. */
import type { Context } from 'koa'
import { PageError } from './page-error.ts'

export const BODY_LIMIT = 56 * 1024

/** The whole body. Throws a PageError 413 where it is larger than the limit. */
export async function readBody(ctx: Context): Promise<Buffer> {
  const { req } = ctx
  if (Number(req.headers['content-length']) > BODY_LIMIT) throw tooLarge(ctx)
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let received = 0
  const take = (chunk: Buffer): void => {
    received += chunk.length
    chunks.push(chunk)
    if (received <= BODY_LIMIT) return
    // The connection must outlive the reading: the refusal still has to be written.
    req.off('data', take).pause()
    reject(tooLarge(ctx))
  }
  req.on('data', take)
  req.once('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)))
  req.once('error', reject)
  req.once('close', () => req.complete || reject(new Error('the connection ended before the body did')))
  return promise
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
