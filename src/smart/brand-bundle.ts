/**
 * The bundle of brands, made once at the start and answered to everybody. When it
 * changed last is kept in the store by what it says, so that every process and
 * every start of one say the same, as long as the configuration does.
 *
 * SMART App Launch 2.2, "Brand Bundle"
 */
import { hash } from 'node:crypto'
import type { Middleware } from 'koa'
import type { Config } from '../config/config.ts'
import type { Kind, Store } from '../store/store.ts'
import { asksForOpen } from '../web/open-document.ts'
import { BRANDS_PATH, type BrandResource, brandResources } from './brands.ts'

interface Deps {
  config: Pick<Config, 'issuer' | 'fhirServers' | 'brands'>
  store: Pick<Store, 'create' | 'get'>
  now: () => number
}

/** When something was published first, by the hash of what it says. */
const publications: Kind<{ at: number }> = { name: 'brand-publication' }

/** Where no brands are configured there is no bundle. */
export async function brandBundle({ config, store, now }: Deps): Promise<Middleware> {
  const { issuer, fhirServers, brands } = config
  if (!brands) return (_ctx, next) => next()

  async function publishedAt(what: object): Promise<string> {
    const id = hash('sha256', JSON.stringify(what), 'hex')
    const at = now()
    const created = await store.create(publications, id, { at })
    const first = created ? undefined : await store.get(publications, id)
    return new Date(first?.at ?? at).toISOString()
  }

  async function entryOf(resource: BrandResource): Promise<object> {
    const { resourceType, id, meta } = resource
    const dated = { ...resource, meta: { ...meta, lastUpdated: await publishedAt(resource) } }
    return { fullUrl: `${issuer}${BRANDS_PATH}/${resourceType}/${id}`, resource: dated }
  }

  const resources = brandResources(brands, fhirServers)
  const [timestamp, entry] = await Promise.all([publishedAt(resources), Promise.all(resources.map(entryOf))])
  const meta = { profile: ['http://hl7.org/fhir/smart-app-launch/StructureDefinition/user-access-brands-bundle'] }
  const body = Buffer.from(JSON.stringify({ resourceType: 'Bundle', id: 'brands', meta, type: 'collection', timestamp, entry }))
  const etag = `W/"${hash('sha256', body, 'base64url')}"`

  return (ctx, next) => {
    if (ctx.path !== BRANDS_PATH) return next()
    const asked = asksForOpen(ctx)
    if (asked === undefined) return next()
    if (asked === 'answered') return
    ctx.set({ 'Cache-Control': 'public, max-age=300', ETag: etag, 'Access-Control-Expose-Headers': 'ETag' })
    ctx.status = 200
    if (ctx.fresh) {
      ctx.status = 304
      return
    }
    ctx.type = 'application/fhir+json'
    ctx.body = body
  }
}
