/**
 * Which part of the application a request is given to, by the first segment of its path: the others are not asked,
 * whose patterns would only be tried in vain. What a part leaves unanswered goes on to what stands behind.
 */
import type Koa from 'koa'
import type { Middleware } from 'koa'
import mount from 'koa-mount'

export function bySegment(parts: Record<string, Koa>): Middleware {
  const chains = new Map(Object.entries(parts).map(([segment, part]) => [segment, mount(part)]))
  return (ctx, next) => {
    const chain = chains.get(firstSegment(ctx.path))
    return chain ? chain(ctx, next) : next()
  }
}

/** In lower case, as routers may ignore case. */
function firstSegment(path: string): string {
  const end = path.indexOf('/', 1)
  return (end < 0 ? path.slice(1) : path.slice(1, end)).toLowerCase()
}
