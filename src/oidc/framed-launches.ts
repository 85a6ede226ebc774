/**
 * A launch in a frame of the EHR's page, where browsers send no cookies of ours. There
 * are two answers: a redirect to the app, where the EHR's statement of its user and what was decided before settle
 * everything; else one page without a form that opens the launch in a window of its own. Nothing that the browser has
 * of ours is looked at, and nothing is left in it.
 */
import Router from '@koa/router'
import type { Context } from 'koa'
import type { AuditTrail } from '../audit/trail.ts'
import type { Clients } from '../clients/clients.ts'
import type { FhirServer } from '../config/config.ts'
import type { Launch, Launches } from '../smart/launch.ts'
import { render } from '../web/render.ts'
import { sourceOf } from '../web/request.ts'
import { allowFraming } from '../web/security-headers.ts'

interface Deps {
  issuer: string
  fhirServers: readonly FhirServer[]
  clients: Pick<Clients, 'find'>
  launches: Pick<Launches, 'open' | 'giveBack'>
  audit: AuditTrail
}

/** Fetch Metadata: what holds a document inside another. */
const FRAMES = new Set(['iframe', 'frame', 'embed', 'object'])

/** Behind what makes any authorization request a plain one, and before the engine. */
export function framedLaunches({ issuer, fhirServers, clients, launches, audit }: Deps): Router {
  const router = new Router()

  router.get('/authorize', async (ctx, next) => {
    if (!FRAMES.has(ctx.get('Sec-Fetch-Dest'))) return next()
    const { launch: handle, code_challenge: challenge } = ctx.query
    const launch = typeof handle === 'string' ? await launches.open(handle) : undefined
    const ehr = launch && (await clients.find(launch.ehr))
    const origins = ehr?.disabled ? [] : (ehr?.frame_origins ?? [])
    if (!launch || typeof handle !== 'string' || typeof challenge !== 'string' || origins.length === 0) return next()

    delete ctx.req.headers.cookie
    await next()
    ctx.remove('Set-Cookie')
    if (!asksSomebody(ctx)) return
    await openWindow(ctx, launch, handle, challenge)
    allowFraming(ctx, origins)
    ctx.remove('Set-Cookie')
  })

  /** Whether the engine leads to one of our pages, which no frame shows. */
  function asksSomebody(ctx: Context): boolean {
    const location = URL.parse(ctx.response.get('Location'), issuer)
    return ctx.status === 303 && location?.origin === new URL(issuer).origin && location.pathname.startsWith('/interaction/')
  }

  async function openWindow(ctx: Context, launch: Launch, handle: string, challenge: string): Promise<void> {
    const { clientId, ehr, fhirServer } = launch
    const app = await clients.find(clientId)
    // In its window the app starts anew: what it kept for this request lies in the frame.
    await launches.giveBack(handle, challenge)
    await audit.record(sourceOf(ctx), { type: 'launch', outcome: 'given-back', clientId, fhirServer, ehr })
    const iss = fhirServers.find(({ id }) => id === fhirServer)?.baseUrl ?? ''
    const target = new URL(app?.launch_url ?? `${issuer}/authorize?${ctx.querystring}`)
    if (app?.launch_url) {
      target.searchParams.set('iss', iss)
      target.searchParams.set('launch', handle)
    }
    ctx.remove('Location')
    render(ctx, 'open-window', { app: null, name: app?.client_name ?? '', address: target.href })
  }

  return router
}
