import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { runReport } from '../../../demo/backend/report.ts'
import { newKey } from '../../../demo/oauth/key.ts'

/** Stands for Keyward and for two FHIR servers, by the first part of the path. */
let here: string
let next: string | undefined
let statusElsewhere: number
const forms: URLSearchParams[] = []
const asked: [path: string, authorization: string | undefined][] = []

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', here)
  const answer = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body))
  if (url.pathname === '/fhir/.well-known/smart-configuration') {
    const endpoints = { authorization_endpoint: here, token_endpoint: `${here}/token`, revocation_endpoint: here, jwks_uri: here }
    return answer(200, { issuer: here, ...endpoints })
  }
  if (url.pathname === '/token') {
    forms.push(new URLSearchParams(await text(request)))
    return answer(200, { access_token: 'the-token', token_type: 'bearer', expires_in: 300, scope: 'system/Observation.rs' })
  }
  asked.push([request.url ?? '', request.headers.authorization])
  if (url.pathname.startsWith('/other')) return answer(statusElsewhere, {})
  const of = (kind: string) => ({ resource: { category: [{ text: kind }] } })
  if (url.searchParams.has('_page')) return answer(200, { total: 3, link: [], entry: [of('Laboratory')] })
  const link = next === undefined ? [] : [{ relation: 'next', url: next }]
  return answer(200, { total: 3, link, entry: [of('Vital signs'), of('Laboratory')] })
})

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  here = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
})
afterAll(() => new Promise<void>((resolve) => void server.close(() => resolve())))
beforeEach(() => {
  next = `${here}/fhir/Observation?_page=2`
  statusElsewhere = 401
  forms.length = 0
  asked.length = 0
})

const run = () =>
  runReport(`${here}/fhir`, `${here}/other`, { clientId: 'nightly-report', key: newKey(), scope: 'system/Observation.rs' })
const claims = z.object({ iss: z.string(), sub: z.string(), aud: z.string(), exp: z.number(), iat: z.number(), jti: z.string() })

test('the program proves itself with its key, for one FHIR server, and follows each next link', async () => {
  const report = await run()
  expect(report).toEqual({
    scope: 'system/Observation.rs',
    lifetime: 300,
    pages: 2,
    total: 3,
    counts: [
      ['Laboratory', 2],
      ['Vital signs', 1]
    ],
    elsewhere: 401
  })
  const [form] = forms
  expect(form?.get('grant_type')).toBe('client_credentials')
  expect(form?.get('resource')).toBe(`${here}/fhir`)
  const [, payload = ''] = (form?.get('client_assertion') ?? '').split('.')
  const said = claims.parse(JSON.parse(Buffer.from(payload, 'base64url').toString()))
  expect(said).toMatchObject({ iss: 'nightly-report', sub: 'nightly-report', aud: `${here}/token` })
  expect(said.exp - said.iat).toBeLessThanOrEqual(300)
  expect(new Set(asked.map(([, authorization]) => authorization))).toEqual(new Set(['Bearer the-token']))
})

test('a token that another server takes is told as it is', async () => {
  statusElsewhere = 200
  expect(await run()).toMatchObject({ elsewhere: 200 })
})

test.each(['/fhirx/Observation?_page=2', '/other/Observation?_page=2'])(
  'a next page at %s is not asked for: the token would go with it',
  async (path) => {
    next = `${here}${path}`
    await expect(run()).rejects.toThrow('The next page is at another server.')
    expect(asked.map(([url]) => url)).not.toContain(path)
  }
)
