/** Read and search, each for what the token of the request permits. Writing is refused. */
import { Router } from '@koa/router'
import type { Context } from 'koa'
import { answer, checkFormat } from './answers.ts'
import { FhirError, insufficientScope } from './outcome.ts'
import { type Access, accessOf, type Interaction, type TokenContext } from './permissions.ts'
import type { Records } from './resource.ts'
import { searchBundle } from './search.ts'

interface Deps {
  records: Records
  baseUrl: string
  tokenContext(header: string | undefined): Promise<TokenContext>
}

export function resourceRoutes({ records, baseUrl, tokenContext }: Deps): Router {
  const router = new Router()

  /** What the token permits, once it permits that interaction on something of that type. */
  async function open(ctx: Context, interaction: Interaction, type: string): Promise<Access> {
    const access = accessOf(await tokenContext(ctx.get('Authorization') || undefined), records)
    checkFormat(ctx)
    if (!records.types.includes(type)) throw new FhirError(404, 'not-supported', `${type} is not a type of this server`)
    if (!access.allows(interaction, type)) throw insufficientScope(`The token does not allow this on ${type}`)
    return access
  }

  router.get('/:type', async (ctx) => {
    const { type = '' } = ctx.params
    const access = await open(ctx, 's', type)
    const strict = /(^|[,;\s])handling=strict\b/.test(ctx.get('Prefer'))
    answer(ctx, 200, searchBundle({ type, query: new URLSearchParams(ctx.querystring), strict, access }, records, baseUrl))
  })

  router.get('/:type/:id', async (ctx) => {
    const { type = '', id = '' } = ctx.params
    const access = await open(ctx, 'r', type)
    const resource = records.find(type, id)
    if (resource === undefined) throw new FhirError(404, 'not-found', `There is no ${type}/${id} here`)
    if (!access.covers('r', resource)) throw insufficientScope(`The token does not reach ${type}/${id}`)
    answer(ctx, 200, resource)
  })

  const refuse = (interaction: Interaction) => async (ctx: Context & { params: Record<string, string> }) => {
    await open(ctx, interaction, ctx.params.type ?? '')
    throw new FhirError(405, 'not-supported', 'This server reads and searches only', { Allow: 'GET, HEAD, OPTIONS' })
  }
  router.post('/:type', refuse('c'))
  router.put(['/:type', '/:type/:id'], refuse('u'))
  router.patch(['/:type', '/:type/:id'], refuse('u'))
  router.delete(['/:type', '/:type/:id'], refuse('d'))
  return router
}
