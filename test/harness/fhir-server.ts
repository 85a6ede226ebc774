/**
 * A FHIR server that Keyward asks, over HTTP: it has a few records, introspects each token at Keyward and keeps to it,
 * and finds, pages and reads; or answers as wrongly, slowly or not at all as a test wants it to.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Config } from '../../src/config/config.ts'
import { introspect } from './app-client.ts'
import { withoutSecondFactor } from './visit.ts'

export const OWN_NAME = 'keyward-internal'

/** The sample clinic whose FHIR server is this one, and may be searched. */
export function searching({ baseUrl }: { baseUrl: string }): (config: Config) => Config {
  return (config) => ({
    ...withoutSecondFactor(config),
    fhirServers: config.fhirServers.map((one) =>
      one.id === 'clinic' ? { ...one, baseUrl, patientSearch: { as: OWN_NAME } } : one
    )
  })
}

export interface FhirServerUnderTest {
  baseUrl: string
  /** At which Keyward tokens are introspected. */
  introspectAt(issuer: string): void
  /** What it was asked so far, path and query, and what the token was worth. */
  asked: { url: string; token: string; introspected: Record<string, unknown> }[]
  records: Record<string, unknown>[]
  /** How it answers from now on; undefined: as it should. */
  answer(how?: (request: IncomingMessage, response: ServerResponse) => void): void
  stop(): Promise<void>
}

type Resource = Record<string, unknown>

export async function startFhirServerUnderTest(): Promise<FhirServerUnderTest> {
  const asked: FhirServerUnderTest['asked'] = []
  const records = clinicOf()
  let issuer = ''
  let baseUrl = ''
  let wrongly: Parameters<FhirServerUnderTest['answer']>[0]

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    const { body: introspected } = await introspect(issuer, token)
    asked.push({ url: request.url ?? '', token, introspected })
    if (wrongly) return wrongly(request, response)
    const [, type = '', id, query = ''] = /^\/fhir\/([A-Za-z]+)(?:\/([^?]+))?(?:\?(.*))?$/.exec(request.url ?? '') ?? []
    if (introspected.active !== true) return send(response, 401, { resourceType: 'OperationOutcome' })
    if (introspected.scope !== `system/${type}.rs`) return send(response, 403, { resourceType: 'OperationOutcome' })
    const ofType = records.filter(({ resourceType }) => resourceType === type)
    if (id === undefined) return send(response, 200, bundleOf(ofType, new URLSearchParams(query), `${baseUrl}/${type}`))
    const found = ofType.find((one) => one.id === id)
    send(response, found ? 200 : 404, found ?? { resourceType: 'OperationOutcome' })
  }

  const server = createServer((request, response) => {
    respond(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  baseUrl = `http://127.0.0.1:${address.port}/fhir`
  return {
    baseUrl,
    introspectAt(at) {
      issuer = at
    },
    asked,
    records,
    answer(how) {
      wrongly = how
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}

export function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/fhir+json; charset=utf-8' }).end(JSON.stringify(body))
}

export function searchset(resources: readonly Resource[], next?: string): Resource {
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    link: next === undefined ? [] : [{ relation: 'next', url: next }],
    entry: resources.map((resource) => ({ resource, search: { mode: 'match' } }))
  }
}

function bundleOf(records: readonly Resource[], query: URLSearchParams, here: string): Resource {
  const names = query.getAll('name').map((name) => name.toLowerCase())
  const matches = records.filter(
    (one) =>
      names.every((name) => wordsOf(one).some((word) => word.startsWith(name))) &&
      (!query.has('birthdate') || one.birthDate === query.get('birthdate')) &&
      (!query.has('patient') || JSON.stringify(one.subject) === JSON.stringify({ reference: `Patient/${query.get('patient')}` }))
  )
  const count = Number(query.get('_count') ?? 20)
  const from = Number(query.get('_from') ?? 0)
  const next = new URLSearchParams(query)
  next.set('_from', String(from + count))
  return searchset(matches.slice(from, from + count), from + count < matches.length ? `${here}?${next}` : undefined)
}

function wordsOf({ name }: Resource): string[] {
  const words = JSON.stringify(name ?? [])
    .toLowerCase()
    .match(/[\p{L}-]+/gu)
  return words ?? []
}

function clinicOf(): Resource[] {
  const patient = (id: string, given: string, family: string, birthDate: string, gender: string): Resource => ({
    resourceType: 'Patient',
    id,
    name: [{ use: 'official', given: [given], family }],
    birthDate,
    gender,
    identifier: [{ type: { coding: [{ code: 'MR' }] }, value: `number-of-${id}` }]
  })
  const visit = (id: string, of: string, start: string, what: string): Resource => ({
    resourceType: 'Encounter',
    id,
    status: 'finished',
    reasonCode: [{ text: what }],
    period: { start },
    location: [{ location: { display: 'Main building' } }],
    subject: { reference: `Patient/${of}` }
  })
  return [
    patient('maria', 'Maria', 'Diaz', '1984-03-12', 'female'),
    patient('leo', 'Leo', 'Diaz', '2017-06-03', 'male'),
    patient('leo-too', 'Leo', 'Diaz', '1951-02-20', 'male'),
    patient('john', 'John', 'Smith', '1949-11-30', 'male'),
    ...Array.from({ length: 23 }, (_, at) => patient(`many-${at}`, `No${at}`, 'Many', '2000-01-01', 'other')),
    visit('leo-visit-1', 'leo', '2024-06-11T14:00:00Z', 'Check-up'),
    visit('leo-visit-2', 'leo', '2025-11-18T10:00:00Z', 'Asthma'),
    visit('maria-visit-1', 'maria', '2025-09-09T08:30:00Z', 'High blood pressure'),
    ...['leo', 'maria'].map((of) => ({
      resourceType: 'DiagnosticReport',
      id: `${of}-report`,
      code: { text: 'Blood count' },
      effectiveDateTime: '2025-11-18',
      subject: { reference: `Patient/${of}` }
    }))
  ]
}
