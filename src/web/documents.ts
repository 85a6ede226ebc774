/**
 * Documents that say the same to everybody, and are asked for often: whoever makes one is asked once, and its bytes
 * are kept until they are told to be forgotten.
 */
import type { Context, Middleware } from 'koa'

export interface Documents {
  /** Stands before whatever answers these paths. */
  middleware: Middleware
  /** From now on each is made anew, one that is being made at this moment too. */
  forget(): void
}

interface Options {
  paths: readonly string[]
  /** How long whoever reads one may keep it, in seconds. */
  maxAge: number
}

interface Kept {
  body: Buffer
  type: string
}

export function keptDocuments({ paths, maxAge }: Options): Documents {
  const known = new Set(paths)
  const cacheControl = `public, max-age=${maxAge}`
  let kept = new Map<string, Kept>()

  function answer(ctx: Context, { body, type }: Kept): void {
    const { res } = ctx
    ctx.status = 200
    res.setHeader('Content-Type', type)
    res.setHeader('Cache-Control', cacheControl)
    res.setHeader('Access-Control-Allow-Origin', '*')
    ctx.body = body
  }

  return {
    middleware: (ctx, next) => {
      if (!known.has(ctx.path) || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next()
      // A document names addresses as the request was made: by http or https.
      const name = `${ctx.protocol} ${ctx.path}`
      const found = kept.get(name)
      if (found) return answer(ctx, found)
      const keptSoFar = kept
      return next().then(() => {
        const { body, status, type } = ctx
        if (status !== 200 || typeof body !== 'object' || body === null) return
        const made = { body: Buffer.from(JSON.stringify(body)), type: ctx.response.get('Content-Type') || type }
        keptSoFar.set(name, made)
        ctx.remove('Vary')
        answer(ctx, made)
      })
    },
    forget() {
      kept = new Map()
    }
  }
}
