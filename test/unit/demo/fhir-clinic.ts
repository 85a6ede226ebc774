/**
 * The sample clinic's FHIR server, running, with a small authorization server
 * over HTTP that answers introspection with what each test says.
 */
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { clinicRecords } from '../../../demo/data/records.ts'
import { startFhirServer } from '../../../demo/fhir/server.ts'

export const BASE = 'http://clinic.test/fhir'
export const ISSUER = 'http://keyward.test'

export interface TestBundle {
  resourceType: string
  total: number
  link: { relation: string; url: string }[]
  entry?: { fullUrl: string; resource: { resourceType: string; id: string } }[]
}

function isBundle(value: unknown): value is TestBundle {
  return typeof value === 'object' && value !== null && 'resourceType' in value && value.resourceType === 'Bundle'
}

export async function startClinic(options: { allowOrigins?: string[] } = {}) {
  const tokens = new Map<string, Record<string, unknown>>()
  const asked: { authorization: string | undefined; contentType: string | undefined; body: string }[] = []
  const keyward = createServer(async (request, response) => {
    response.setHeader('Content-Type', 'application/json')
    if (request.method === 'GET') return response.end(JSON.stringify({ issuer: ISSUER }))
    const body = await text(request)
    asked.push({ authorization: request.headers.authorization, contentType: request.headers['content-type'], body })
    const answer = tokens.get(new URLSearchParams(body).get('token') ?? '') ?? { active: false }
    response.statusCode = typeof answer.status === 'number' ? answer.status : 200
    response.end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => keyward.listen(0, '127.0.0.1', resolve))
  const address = keyward.address()
  const keywardUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`

  const server = await startFhirServer({
    host: '127.0.0.1',
    port: 0,
    name: 'Sample Clinic',
    records: clinicRecords(),
    baseUrl: BASE,
    introspectionEndpoint: `${keywardUrl}/introspect`,
    clientId: 'clinic fhir:1',
    clientSecret: 'a+b/c% d',
    issuer: ISSUER,
    smartConfigurationUrl: `${keywardUrl}/fhir/clinic/.well-known/smart-configuration`,
    ...options
  })
  const here = `http://127.0.0.1:${server.port}/fhir`
  let counter = 0

  const stopKeyward = () =>
    new Promise<void>((resolve) => {
      keyward.close(() => resolve())
      keyward.closeAllConnections()
    })

  return {
    url: here,
    asked,
    stopKeyward,
    /** A token for which introspection answers with that scope, and with what else is given. */
    token(scope: string, more: Record<string, unknown> = {}): string {
      const token = `token-${++counter}`
      tokens.set(token, { active: true, iss: ISSUER, aud: BASE, scope, token_type: 'Bearer', ...more })
      return token
    },
    revoke: (token: string) => tokens.delete(token),
    get(path: string, token?: string, init: RequestInit = {}): Promise<Response> {
      const headers = new Headers(init.headers)
      if (token !== undefined) headers.set('Authorization', `Bearer ${token}`)
      return fetch(path.startsWith(BASE) ? here + path.slice(BASE.length) : here + path, { ...init, headers })
    },
    async bundle(path: string, token: string): Promise<TestBundle> {
      const response = await this.get(path, token)
      const bundle: unknown = await response.json()
      if (!isBundle(bundle)) throw new Error(`${response.status} ${JSON.stringify(bundle)}`)
      return bundle
    },
    /** The ids that a search finds, on all of its pages. */
    async idsOf(path: string, token: string): Promise<string[]> {
      const ids: string[] = []
      let next: string | undefined = path
      while (next !== undefined) {
        const bundle: TestBundle = await this.bundle(next, token)
        ids.push(...(bundle.entry ?? []).map((entry) => entry.resource.id))
        next = bundle.link.find(({ relation }) => relation === 'next')?.url
      }
      return ids
    },
    async close() {
      await server.close()
      if (keyward.listening) await stopKeyward()
    }
  }
}
