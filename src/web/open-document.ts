/** What pages of any origin may read: documents that say the same to everybody. Fetch, "CORS protocol" */
import type { Context } from 'koa'

/** Whether the request is for a document of this path; a browser that asks first whether it may has its answer then. */
export function asksForOpen(ctx: Context): 'document' | 'answered' | undefined {
  if (!['GET', 'HEAD', 'OPTIONS'].includes(ctx.method)) return undefined
  ctx.set('Access-Control-Allow-Origin', '*')
  if (ctx.method !== 'OPTIONS') return 'document'
  // What a browser asks first where a page sends a header of its own. Fetch, "CORS-preflight fetch"
  ctx.set({
    'Access-Control-Allow-Methods': 'GET, HEAD',
    'Access-Control-Allow-Headers': '*',
    'Access-Control-Max-Age': '3600'
  })
  ctx.status = 204
  return 'answered'
}
