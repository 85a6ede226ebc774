/**
 * Searches of people at a FHIR server: asked, recorded, and kept for as long as
 * somebody turns their pages. A browser is handed the name of its search and says the number of a page; where the pages
 * are, and what was typed, stays here. What the answers mean is for those who asked.
 */
import { randomBytes } from 'node:crypto'
import type { AuditEvent, AuditSource } from '../audit/event.ts'
import type { AuditTrail } from '../audit/trail.ts'
import type { Config } from '../config/config.ts'
import type { FhirAnswer, FhirClient, FhirFailure, FhirResource, FoundPage } from '../fhir/fhir-client.ts'
import { isOfPatient } from '../fhir/found-record.ts'
import type { Authorization } from '../smart/authorization.ts'
import type { Kind, Store } from '../store/store.ts'
import type { Attempts } from '../web/attempts.ts'

/** In whose request, in which interaction, about what. */
export interface Asker {
  uid: string
  about: Authorization
  source: AuditSource
  resourceType: string
  /** Whose records are asked for: one of somebody else among them, and nothing of the answer is believed. Undefined: anybody's. */
  patient?: string
}

/** What was typed, to be shown again. */
export interface Typed {
  name: string
  birthDate: string
}

interface Search {
  uid: string
  accountId: string
  resourceType: string
  typed: Typed
  /** Addresses at the FHIR server: of the first page, and of each one that a page before it named. */
  pages: string[]
}

export interface SearchPage {
  /** Names the search. */
  search: string
  typed: Typed
  /** 0 is the first. */
  at: number
  resources: FhirResource[]
  next: FoundPage['next']
}

/** 'gone': no such search of this person in this interaction, or no such page of it. */
export type SearchAnswer =
  | { ok: true; page: SearchPage }
  | { ok: false; reason: 'not-answered' | 'gone' | 'too-many-attempts'; typed: Typed }

export type ReadAnswer =
  | { ok: true; resource: FhirResource }
  | { ok: false; reason: 'not-found' | 'not-answered' | 'too-many-attempts' }

export interface Searches {
  begin(asker: Asker, parameters: URLSearchParams, typed?: Typed): Promise<SearchAnswer>
  turn(asker: Asker, search: string, at: number): Promise<SearchAnswer>
  /** One resource, as the FHIR server shows it now. */
  read(asker: Asker, id: string): Promise<ReadAnswer>
}

type Outcome = Pick<Extract<AuditEvent, { type: 'record-search' }>, 'outcome' | 'reason' | 'found'>

interface Deps {
  store: Store
  fhir: FhirClient
  audit: AuditTrail
  attempts: Attempts
  limits: Pick<Config['limits'], 'searchesPerAccount'>
  now: () => number
}

const searches: Kind<Search> = { name: 'record-search' }
/** In milliseconds, since the page was turned. */
const KEEP_FOR = 30 * 60 * 1000
/** Nobody looks through more; a server whose pages never end is not followed. */
const MOST_PAGES = 100
const NOTHING: Typed = { name: '', birthDate: '' }

export function createSearches({ store, fhir, audit, attempts, limits, now }: Deps): Searches {
  async function show(asker: Asker, id: string, search: Search, at: number): Promise<SearchAnswer> {
    const url = search.pages[at]
    if (url === undefined) return { ok: false, reason: 'gone', typed: search.typed }
    if (!(await mayAsk(asker))) return { ok: false, reason: 'too-many-attempts', typed: search.typed }
    const answer = believed(asker, await fhir.search(askingFor(asker), { url }), ({ resources }) => resources, 'unusable')
    await record(asker, outcomeOf(answer))
    if (!answer.ok) return { ok: false, reason: 'not-answered', typed: search.typed }
    const { resources } = answer.value
    const next = at + 1 < MOST_PAGES ? answer.value.next : 'elsewhere'
    // What was turned to beyond it stays, for another window of the same browser.
    const pages = typeof next === 'object' ? search.pages.toSpliced(at + 1, 1, next.url) : search.pages.slice(0, at + 1)
    await store.put(searches, id, { ...search, pages }, { expiresAt: now() + KEEP_FOR })
    return { ok: true, page: { search: id, typed: search.typed, at, resources, next } }
  }

  /** Each is a token, and leaves records: nobody makes them without end. */
  async function mayAsk(asker: Asker): Promise<boolean> {
    const taken = await attempts.take('record-searches', asker.about.account.sub, limits.searchesPerAccount)
    if (!taken.ok) await record(asker, { outcome: 'refused', reason: 'too-many-attempts' })
    return taken.ok
  }

  function outcomeOf(answer: FhirAnswer<FoundPage>): Outcome {
    return answer.ok
      ? { outcome: 'answered', found: answer.value.resources.length, ...elsewhere(answer.value) }
      : { outcome: 'failed', reason: answer.failure }
  }

  function record({ about, source, resourceType }: Asker, outcome: Outcome): Promise<void> {
    const { patient } = about
    return audit.record(source, {
      type: 'record-search',
      ...outcome,
      accountId: about.account.sub,
      clientId: about.client.client_id,
      fhirServer: about.fhirServer.id,
      resourceType,
      ...(patient.state === 'settled' ? { patient: patient.id } : {})
    })
  }

  return {
    begin(asker, parameters, typed = NOTHING) {
      const { uid, about, resourceType } = asker
      const pages = [`${about.fhirServer.baseUrl}/${resourceType}?${parameters}`]
      const search = { uid, accountId: about.account.sub, resourceType, typed, pages }
      return show(asker, randomBytes(16).toString('base64url'), search, 0)
    },
    async turn(asker, id, at) {
      const search = await store.get(searches, id)
      const isTheirs =
        search?.uid === asker.uid && search.accountId === asker.about.account.sub && search.resourceType === asker.resourceType
      return search && isTheirs ? show(asker, id, search, at) : { ok: false, reason: 'gone', typed: NOTHING }
    },
    async read(asker, id) {
      if (!(await mayAsk(asker))) return { ok: false, reason: 'too-many-attempts' }
      const answer = believed(asker, await fhir.read(askingFor(asker), id), (resource) => [resource], 'not-found')
      if (answer.ok) return { ok: true, resource: answer.value }
      return { ok: false, reason: answer.failure === 'not-found' ? 'not-found' : 'not-answered' }
    }
  }
}

function believed<T>(
  { patient, about }: Asker,
  answer: FhirAnswer<T>,
  resourcesOf: (value: T) => FhirResource[],
  otherwise: FhirFailure
): FhirAnswer<T> {
  if (!answer.ok || patient === undefined) return answer
  const areTheirs = resourcesOf(answer.value).every((one) => isOfPatient(one, patient, about.fhirServer))
  return areTheirs ? answer : { ok: false, failure: otherwise }
}

function askingFor({ about: { fhirServer }, source, resourceType }: Asker) {
  return { fhirServer, resourceType, source }
}

/** For the operator: the rest could not be shown, because the server says that it is at another address. */
function elsewhere({ next }: FoundPage): { reason?: string } {
  return next === 'elsewhere' ? { reason: 'next-page-elsewhere' } : {}
}
