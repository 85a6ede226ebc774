/**
 * A backend service at work: a token for itself, by its key, and one search read page after page until there is no next one.
 *
 * SMART App Launch 2.2, "Backend Services"; FHIR R4, "Search", section "Paging"
 */
import { z } from 'zod'
import { byKey } from '../oauth/credentials.ts'
import type { ClientKey } from '../oauth/key.ts'
import { askTokens, discover, RequestRefused, readRecords } from '../oauth/requests.ts'

export interface Report {
  scope: string
  /** Seconds for which the token is good. */
  lifetime: number
  pages: number
  /** What the server says that there is. */
  total: number
  /** By category, the most first. */
  counts: [category: string, count: number][]
  /** What another server answers to the same token: a status. */
  elsewhere: number
}

interface Deps {
  clientId: string
  key: ClientKey
  scope: string
}

const pageSize = 40
const category = z.looseObject({ text: z.string().optional() })
const bundle = z.looseObject({
  total: z.number(),
  link: z.array(z.looseObject({ relation: z.string(), url: z.string() })),
  entry: z.array(z.looseObject({ resource: z.looseObject({ category: z.array(category).default([]) }) })).default([])
})

export async function runReport(fhirBaseUrl: string, otherBaseUrl: string, { clientId, key, scope }: Deps): Promise<Report> {
  const { token_endpoint } = await discover(fhirBaseUrl)
  const form = { grant_type: 'client_credentials', scope, resource: fhirBaseUrl }
  const token = await askTokens(token_endpoint, form, byKey(clientId, key))
  const counts = new Map<string, number>()
  let pages = 0
  let total = 0
  let next: string | undefined = `${fhirBaseUrl}/Observation?_count=${pageSize}`
  while (next !== undefined) {
    // The token goes nowhere but to the server that it is for.
    if (!next.startsWith(`${fhirBaseUrl}/`)) throw new Error('The next page is at another server.')
    const page: z.infer<typeof bundle> = bundle.parse(await readRecords(next, token.access_token))
    pages += 1
    total = page.total
    for (const { resource } of page.entry) {
      const kind = resource.category[0]?.text ?? 'Other'
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
    }
    next = page.link.find(({ relation }) => relation === 'next')?.url
  }
  return {
    scope: token.scope,
    lifetime: token.expires_in,
    pages,
    total,
    counts: [...counts].sort(([, one], [, other]) => other - one),
    elsewhere: await statusAt(`${otherBaseUrl}/Observation?_count=1`, token.access_token)
  }
}

async function statusAt(url: string, accessToken: string): Promise<number> {
  try {
    await readRecords(url, accessToken)
    return 200
  } catch (fault) {
    if (fault instanceof RequestRefused) return fault.status
    throw fault
  }
}
