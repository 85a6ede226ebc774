/**
 * The few files that pages load, read once and listed by name: nothing else of
 * the disk can be asked for.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { Middleware } from 'koa'
import type { Config } from '../config/config.ts'
import { createPrinter } from './render.ts'

interface Options {
  viewsDir: string
  /** Sent as they are: 'style.css'. */
  files: readonly string[]
  /** Printed once from <name>.eta with the organization as only member: 'theme.css'. */
  branded: readonly string[]
  organization: Config['organization']
}

const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon'
}

export function staticFiles({ viewsDir, files, branded, organization }: Options): Middleware {
  const print = createPrinter(viewsDir)
  const served = new Map(
    [
      ...files.map((name) => ({ name, content: readFileSync(join(viewsDir, name)) })),
      ...branded.map((name) => ({ name, content: Buffer.from(print(`${name}.eta`, { organization })) }))
    ].map(({ name, content }) => [`/${name}`, { content, type: typeOf(name), etag: etagOf(content) }])
  )

  return (ctx, next) => {
    const file = served.get(ctx.path)
    if (file === undefined || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next()
    ctx.status = 200
    ctx.set({ ETag: file.etag, 'Cache-Control': 'public, max-age=300' })
    ctx.type = file.type
    if (ctx.fresh) ctx.status = 304
    else ctx.body = file.content
  }
}

function typeOf(name: string): string {
  const type = TYPES[extname(name)]
  if (type === undefined) throw new Error(`no media type is known for ${name}`)
  return type
}

function etagOf(content: Buffer): string {
  return `"${createHash('sha256').update(content).digest('base64url')}"`
}
