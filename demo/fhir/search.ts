/**
 * One search: the query, what the token may see of its matches, and the page of
 * them as a Bundle with its links.
 *
 * FHIR R4, "Search", sections "Paging", "Handling errors" and "self link"
 */
import { FhirError } from './outcome.ts'
import type { Access } from './permissions.ts'
import type { Records } from './resource.ts'
import { readCriteria } from './search-parameters.ts'

const USUAL_PAGE = 20
const LARGEST_PAGE = 100

interface Search {
  type: string
  query: URLSearchParams
  /** Whether the caller wants an unknown parameter refused (Prefer: handling=strict). */
  strict: boolean
  access: Access
}

export function searchBundle({ type, query, strict, access }: Search, records: Records, baseUrl: string) {
  const asked = new URLSearchParams(query)
  const count = readCount(asked)
  const offset = readOffset(asked)
  for (const own of ['_count', '_page', '_format']) asked.delete(own)

  const criteria = readCriteria(type, asked)
  if (!criteria.ok) throw new FhirError(400, 'invalid', criteria.problem)
  if (strict && criteria.unknown.length > 0) {
    throw new FhirError(400, 'not-supported', `Unknown search parameter: ${criteria.unknown.join(', ')}`)
  }
  const matches = records
    .ofType(type)
    .filter((resource) => criteria.known.every((criterion) => criterion.matches(resource)))
    .filter((resource) => access.covers('s', resource))
  const page = matches.slice(offset, offset + count)

  const link = (relation: string, more: Record<string, string>) => {
    const understood = new URLSearchParams()
    for (const { name, value } of criteria.known) understood.append(name, value)
    for (const [name, value] of Object.entries(more)) understood.set(name, value)
    const search = understood.toString()
    return { relation, url: `${baseUrl}/${type}${search && `?${search}`}` }
  }
  const counted = query.has('_count') ? { _count: String(count) } : {}
  const here = offset > 0 ? { _page: pageToken(offset) } : {}
  const links = [link('self', { ...counted, ...here })]
  if (count > 0 && offset + count < matches.length) {
    links.push(link('next', { _count: String(count), _page: pageToken(offset + count) }))
  }
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    total: matches.length,
    link: links,
    // FHIR's JSON has no empty arrays.
    ...(page.length > 0 && {
      entry: page.map((resource) => ({
        fullUrl: `${baseUrl}/${type}/${resource.id}`,
        resource,
        search: { mode: 'match' }
      }))
    })
  }
}

function readCount(query: URLSearchParams): number {
  const value = query.get('_count')
  if (value === null) return USUAL_PAGE
  if (!/^\d{1,6}$/.test(value)) throw new FhirError(400, 'invalid', '_count must be a whole number')
  return Math.min(Number(value), LARGEST_PAGE)
}

/** Opaque, so that nobody builds on it. It is no secret: each page is filtered by the token that asks for it. */
function pageToken(offset: number): string {
  return Buffer.from(`from ${offset}`).toString('base64url')
}

function readOffset(query: URLSearchParams): number {
  const value = query.get('_page')
  if (value === null) return 0
  const [, offset] = /^from (\d{1,9})$/.exec(Buffer.from(value, 'base64url').toString()) ?? []
  if (offset === undefined) throw new FhirError(400, 'invalid', 'This is not a page of this server')
  return Number(offset)
}
