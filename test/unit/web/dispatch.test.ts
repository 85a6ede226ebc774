import Koa, { type Middleware } from 'koa'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bySegment } from '../../../src/web/dispatch.ts'
import type { Served } from './app.ts'
import { ask, serve } from './app.ts'

let served: Served
beforeEach(async () => {
  const part = (...names: string[]): Koa => {
    const koa = new Koa()
    for (const name of names)
      koa.use(async (ctx, next) => {
        ctx.append('X-Asked', name)
        await next()
      })
    return koa
  }
  const behind: Middleware = (ctx) => {
    ctx.append('X-Asked', 'behind')
    ctx.body = 'ok'
  }
  served = await serve({ routes: [bySegment({ account: part('first', 'second'), token: part('token') }), behind] })
})
afterEach(() => served.close())

test.each([
  ['/account', 'first, second, behind'],
  ['/account/', 'first, second, behind'],
  ['/Account/stop?token=1', 'first, second, behind'],
  ['/token', 'token, behind'],
  ['/tokens', 'behind'],
  ['/', 'behind'],
  ['//token', 'behind'],
  ['/authorize/token', 'behind'],
  ['/constructor', 'behind']
])('%s is asked of: %s', async (path, asked) => {
  expect((await ask(served, path)).headers['x-asked']).toBe(asked)
})
