/** Case 79: JWTs that are made to cost much, wherever a JWT is taken: refused fast, and memory stays flat. */
import { createHmac } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { basic } from '../harness/app-client.ts'
import { assertionForm, claimsOf, encoded, newClientKey, newService, serviceConfig, signed } from '../harness/backend-client.ts'
import { SECRETS } from '../harness/clinic-config.ts'
import { type Keyward, startKeyward } from '../harness/keyward.ts'
import { newVisit, type Visit, withoutSecondFactor } from '../harness/visit.ts'

/** The case's bound, in milliseconds: the best of some tries, as a busy machine may stop any of them. */
const BOUND = 50
const TRIES = 5
const key = newClientKey('ES384')
/** All that fits below the size at which every body is refused. */
const ROOM = 40_000

const jwe = (header: object, content = 'AAAA'): string =>
  `${encoded(header)}.AAAA.AAAAAAAAAAAAAAAA.${content}.AAAAAAAAAAAAAAAAAAAAAA`
const deep = (depth: number): string => `{"a":`.repeat(depth) + 1 + '}'.repeat(depth)
const hs256 = (content: string): string => `${content}.${createHmac('sha256', 'x').update(content).digest('base64url')}`
const bomb = deflateRawSync(Buffer.alloc(20_000_000)).toString('base64url').slice(0, ROOM)

let keyward: Keyward
let visit: Visit
beforeAll(async () => {
  keyward = await startKeyward({
    change: (config) => withoutSecondFactor({ ...config, clients: [...config.clients, serviceConfig('lab-sync', key)] })
  })
  visit = newVisit(keyward)
  await visit.tokens()
})
afterAll(() => keyward?.stop())

const claims = (more: object) => ({ ...claimsOf('lab-sync', `${keyward.issuer}/token`), ...more })
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`c${at}`, at]))

const HOSTILE: [string, () => string][] = [
  ['1 MB, rightly signed', () => signed(key, claims({ long: 'a'.repeat(1_000_000) }))],
  ['10 000 claims', () => signed(key, claims(many(10_000)))],
  ['as many claims as fit', () => signed(key, claims(many(2000)))],
  ['claims 1 000 deep', () => hs256(`${encoded({ alg: 'HS256' })}.${Buffer.from(deep(1000)).toString('base64url')}`)],
  ['a header 1 000 deep', () => `${Buffer.from(`{"alg":"ES384","x":${deep(1000)}}`).toString('base64url')}.e30.AA`],
  ['claims 5 000 arrays deep', () => `${encoded({ alg: 'ES384' })}.${Buffer.from('['.repeat(5000)).toString('base64url')}.AA`],
  [
    'a JWE of PBES2 with a huge p2c',
    () => jwe({ alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', p2c: 2_147_483_647, p2s: 'AAAAAAAAAAA' })
  ],
  [
    'a JWS whose header has a huge p2c',
    () => `${encoded({ alg: 'PBES2-HS512+A256KW', p2c: 2_147_483_647, p2s: 'AAAA' })}.e30.AA`
  ],
  ['a JWE that unpacks to 20 MB', () => jwe({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' }, bomb)],
  ['ten thousand dots', () => '.'.repeat(10_000)]
]

const bearer = (token: string) => ({
  headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
  body: '{}'
})
const form = (fields: Record<string, string>) => ({ body: new URLSearchParams(fields) })
const PLACES: [string, (token: string) => Promise<Response>][] = [
  [
    'a client assertion',
    (token) => send('/token', form({ grant_type: 'client_credentials', scope: 'system/*.rs', ...assertionForm(token) }))
  ],
  [
    'a refresh token',
    (token) => send('/token', form({ grant_type: 'refresh_token', client_id: 'heart-app', refresh_token: token }))
  ],
  ['a code', (token) => send('/token', form({ grant_type: 'authorization_code', client_id: 'heart-app', code: token }))],
  [
    'a token to introspect',
    (token) =>
      send('/introspect', { ...form({ token }), headers: { Authorization: basic('clinic-fhir', SECRETS['clinic-fhir']) } })
  ],
  ['a token to revoke', (token) => send('/revoke', form({ token, client_id: 'heart-app' }))],
  ['a bearer token', (token) => send('/launch', bearer(token))],
  ['a pushed request object', (token) => send('/par', form({ client_id: 'heart-app', request: token }))],
  ['an id_token_hint', (token) => visit.browser.send(visit.app.authorizationUrl({ prompt: 'none', id_token_hint: token }))]
]

function send(path: string, init: RequestInit): Promise<Response> {
  return fetch(`${keyward.issuer}${path}`, { method: 'POST', redirect: 'manual', ...init })
}

describe.each(PLACES)('case 79: as %s', (_place, ask) => {
  test.each(HOSTILE)('%s is refused in time', async (_what, make) => {
    const token = make()
    const tries: number[] = []
    for (let count = 0; count < TRIES; count++) {
      const began = performance.now()
      // A client whose request is cut off, because its head is too large, was refused as well.
      const answer = await ask(token).catch(() => undefined)
      const text = (await answer?.text().catch(() => '')) ?? ''
      tries.push(performance.now() - began)
      expect(answer?.status ?? 431).not.toBe(500)
      expect(text).not.toMatch(/"active":true|access_token"|request_uri"/)
      expect(answer?.headers.get('location') ?? '').not.toContain('code=')
    }
    expect(Math.min(...tries)).toBeLessThan(BOUND)
  })
})

test('case 79: after hundreds of these memory is as it was, and a right assertion is taken', async () => {
  const tokens = HOSTILE.slice(2).map(([, make]) => make())
  const round = async () => {
    for (const token of tokens) for (const [, ask] of PLACES) await (await ask(token).catch(() => undefined))?.arrayBuffer()
  }
  await round()
  const before = process.memoryUsage().rss
  for (let count = 0; count < 3; count++) await round()
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024)
  expect((await newService(keyward.issuer, 'lab-sync', key).token()).status).toBe(200)
})
