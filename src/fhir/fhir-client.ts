/**
 * The one client with which Keyward asks a FHIR server: it searches one type, and
 * reads one resource. What it believes is checked here, down to type and id; what a
 * resource says is read in found-patient.ts and found-record.ts, and who may ask is its user's business.
 *
 * The base URL is the operator's own, so it may be of a private network; everything else is as for other
 * addresses (web/outbound.ts): no redirect, little, and soon, or not at all. FHIR R4, "RESTful API", "Search"
 */
import { z } from 'zod'
import type { AuditSource } from '../audit/event.ts'
import type { FhirServer } from '../config/config.ts'
import { fhirId } from '../config/fields.ts'
import { hostAndPort } from '../config/uris.ts'
import { createOutbound, type OutboundFailure } from '../web/outbound.ts'

/** Fixed words, for the audit trail. */
export type FhirFailure = OutboundFailure | 'refused' | 'not-found' | 'unusable'

export type FhirAnswer<T> = { ok: true; value: T } | { ok: false; failure: FhirFailure }

export interface FhirResource {
  resourceType: string
  id: string
  [member: string]: unknown
}

export interface FoundPage {
  resources: FhirResource[]
  /** The rest: at an address of that FHIR server; nowhere; or somewhere else, which is not asked. */
  next: { url: string } | 'none' | 'elsewhere'
}

/** At which FHIR server, of what type, and in whose request. */
export interface Asking {
  fhirServer: FhirServer
  resourceType: string
  source: AuditSource
}

export interface FhirClient {
  /** The first page of a search with these parameters, or another page at an address that a page before named. */
  search(asking: Asking, at: URLSearchParams | { url: string }): Promise<FhirAnswer<FoundPage>>
  read(asking: Asking, id: string): Promise<FhirAnswer<FhirResource>>
}

interface Deps {
  fhirServers: readonly FhirServer[]
  /** An access token that reads and searches that type there, and does nothing else. */
  tokenFor: (asking: Asking) => Promise<string>
  now: () => number
}

/** How many of a search are asked for at once. */
export const PAGE_SIZE = 10
/** In milliseconds, and in bytes: a person waits, and a page of a search is small. */
const PATIENCE = 5000
const MOST_BYTES = 1_048_576
/** Far more than is asked for. */
const MOST_ENTRIES = 200
const LONGEST_LINK = 8192
const JSON_TYPE = 'application/fhir+json'

const resource = z.looseObject({ resourceType: z.string(), id: fhirId })
const bundle = z.looseObject({
  resourceType: z.literal('Bundle'),
  type: z.literal('searchset'),
  link: z.array(z.looseObject({ relation: z.string(), url: z.string() })).default([]),
  entry: z
    .array(
      z.looseObject({
        resource: z.looseObject({ resourceType: z.string() }),
        search: z.looseObject({ mode: z.string().optional() }).optional()
      })
    )
    .max(MOST_ENTRIES)
    .default([])
})

export function createFhirClient({ fhirServers, tokenFor, now }: Deps): FhirClient {
  const allowedHosts = fhirServers.map(({ baseUrl }) => hostAndPort(new URL(baseUrl)))
  const outbound = createOutbound({ allowedHosts, patience: PATIENCE, mostBytes: MOST_BYTES, now })

  async function ask<T>(asking: Asking, url: string, read: (body: unknown) => T | undefined): Promise<FhirAnswer<T>> {
    const answer = await outbound.get(url, JSON_TYPE, `Bearer ${await tokenFor(asking)}`)
    if (!answer.ok) return { ok: false, failure: failureOf(answer) }
    const value = /\bjson\b/i.test(answer.headers['content-type'] ?? '') ? read(parsed(answer.body)) : undefined
    return value === undefined ? { ok: false, failure: 'unusable' } : { ok: true, value }
  }

  return {
    search(asking, at) {
      const { fhirServer, resourceType } = asking
      const url = 'url' in at ? at.url : `${fhirServer.baseUrl}/${resourceType}?${at}`
      return ask(asking, url, (body) => foundPage(body, fhirServer, resourceType))
    },
    async read(asking, id) {
      const { fhirServer, resourceType } = asking
      // What is no id of a resource is no path either.
      if (!fhirId.safeParse(id).success || /^\.+$/.test(id)) return { ok: false, failure: 'not-found' }
      return ask(asking, `${fhirServer.baseUrl}/${resourceType}/${id}`, (body) => {
        const found = resource.safeParse(body)
        return found.success && found.data.resourceType === resourceType && found.data.id === id ? found.data : undefined
      })
    }
  }
}

function failureOf({ failure, status }: { failure: OutboundFailure; status?: number }): FhirFailure {
  if (status === 404 || status === 410) return 'not-found'
  return status === 401 || status === 403 ? 'refused' : failure
}

/** Undefined where the answer is not what was asked for: then nothing of it is believed. */
function foundPage(body: unknown, fhirServer: FhirServer, resourceType: string): FoundPage | undefined {
  const read = bundle.safeParse(body)
  if (!read.success) return undefined
  const { entry, link } = read.data
  const matches = entry.filter(({ resource: one, search }) => (search?.mode ?? modeOf(one)) === 'match')
  const resources = matches.map((one) => resource.safeParse(one.resource).data)
  if (!resources.every((one) => one?.resourceType === resourceType)) return undefined
  return {
    resources: resources.filter((one) => one !== undefined),
    next: nextOf(link.find(({ relation }) => relation === 'next')?.url, fhirServer)
  }
}

const modeOf = ({ resourceType }: { resourceType: string }) => (resourceType === 'OperationOutcome' ? 'outcome' : 'match')

/** Its token goes to no other place than to that FHIR server, whatever the server says. */
function nextOf(link: string | undefined, { baseUrl }: FhirServer): FoundPage['next'] {
  if (link === undefined) return 'none'
  const base = new URL(baseUrl)
  const url = URL.parse(link, `${baseUrl}/`)
  if (!url || link.length > LONGEST_LINK || url.origin !== base.origin || url.username !== '' || url.password !== '')
    return 'elsewhere'
  const path = base.pathname.replace(/\/$/, '')
  if (url.pathname !== path && !url.pathname.startsWith(`${path}/`)) return 'elsewhere'
  // A server may undo an escape that a browser leaves alone, once or twice, or drop what stands behind a semicolon.
  if (/%(?:25)*(?:2e|2f|3b|5c)|\/\.{1,2};/i.test(url.pathname)) return 'elsewhere'
  url.hash = ''
  return { url: url.href }
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}
