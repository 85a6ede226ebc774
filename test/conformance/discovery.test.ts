/** The documents by which apps find Keyward: SMART App Launch 2.2 "Conformance", OpenID Connect Discovery. */
import { importJWK } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Keyward, startKeyward } from '../harness/keyward.ts'

/** SMART App Launch 2.2, "Capabilities": a bare word that is none of these would be taken from SMART. */
const SMART_CAPABILITIES = [
  'launch-ehr',
  'launch-standalone',
  'authorize-post',
  'client-public',
  'client-confidential-symmetric',
  'client-confidential-asymmetric',
  'sso-openid-connect',
  'context-banner',
  'context-style',
  'context-ehr-patient',
  'context-ehr-encounter',
  'context-standalone-patient',
  'context-standalone-encounter',
  'permission-offline',
  'permission-online',
  'permission-patient',
  'permission-user',
  'permission-v1',
  'permission-v2',
  'smart-app-state'
]
const ENDPOINTS = [
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'issuer',
  'introspection_endpoint',
  'revocation_endpoint'
]

interface Discovered {
  [member: string]: unknown
  issuer: string
  jwks_uri: string
  capabilities: string[]
  scopes_supported: string[]
}

let keyward: Keyward
let smart: Discovered
let openid: Discovered
beforeAll(async () => {
  keyward = await startKeyward()
  smart = await json('/fhir/clinic/.well-known/smart-configuration')
  openid = await json('/.well-known/openid-configuration')
})
afterAll(() => keyward?.stop())

async function json(path: string): Promise<Discovered> {
  const answer = await fetch(`${keyward.issuer}${path}`)
  expect(answer.status).toBe(200)
  return JSON.parse(await answer.text())
}

describe('the SMART configuration', () => {
  test.each(['clinic', 'other'])('SM-008, SM-009, SM-012: of the FHIR server %s is there for everybody', async (id) => {
    const answer = await fetch(`${keyward.issuer}/fhir/${id}/.well-known/smart-configuration`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toMatch(/^public, max-age=\d+$/)
  })

  test('SM-009: of a FHIR server that is not known is not there', async () => {
    expect((await fetch(`${keyward.issuer}/fhir/nowhere/.well-known/smart-configuration`)).status).toBe(404)
  })

  test.each([
    undefined,
    'application/json',
    'text/html',
    'application/fhir+json',
    'application/fhir+xml;q=0.9',
    'image/png',
    '*/*;q=0'
  ])('SM-010: is JSON where Accept is %s', async (accept) => {
    const headers = accept === undefined ? {} : { Accept: accept }
    const answer = await fetch(`${keyward.issuer}/fhir/clinic/.well-known/smart-configuration`, { headers })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^application\/json(;|$)/)
    expect(JSON.parse(await answer.text())).toEqual(smart)
  })

  test.each(['https://app.example', 'http://localhost:1234', 'null'])('SM-002: may be read by pages of %s', async (origin) => {
    const address = `${keyward.issuer}/fhir/clinic/.well-known/smart-configuration`
    const answer = await fetch(address, { headers: { Origin: origin } })
    expect(answer.headers.get('access-control-allow-origin')).toMatch(new RegExp(`^(\\*|${origin})$`))
    const headers = { Origin: origin, 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'x-anything' }
    const preflight = await fetch(address, { method: 'OPTIONS', headers })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toMatch(new RegExp(`^(\\*|${origin})$`))
    expect(preflight.headers.get('access-control-allow-methods')).toContain('GET')
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/\*|x-anything/)
  })

  test('SM-011: every address in it is absolute', () => {
    for (const [name, value] of Object.entries(smart))
      if (/_endpoint$|_uri$|^issuer$/.test(name)) expect(new URL(String(value)).origin, name).toBe(keyward.issuer)
  })

  test.each<[string, string, unknown]>([
    ['SM-013, SM-183', 'issuer', () => keyward.issuer],
    ['SM-014', 'jwks_uri', () => `${keyward.issuer}/jwks`],
    ['SM-015', 'authorization_endpoint', () => `${keyward.issuer}/authorize`],
    ['SM-016', 'token_endpoint', () => `${keyward.issuer}/token`],
    ['SM-019', 'code_challenge_methods_supported', () => ['S256']],
    ['SM-020', 'token_endpoint_auth_methods_supported', () => expect.arrayContaining(['client_secret_basic', 'private_key_jwt'])],
    ['SM-021', 'token_endpoint_auth_signing_alg_values_supported', () => expect.arrayContaining(['RS384', 'ES384'])],
    ['SM-017', 'grant_types_supported', () => expect.arrayContaining(['authorization_code', 'client_credentials'])],
    ['SM-018', 'capabilities', () => expect.arrayContaining([expect.any(String)])],
    ['SM-023', 'response_types_supported', () => ['code']],
    ['SM-024', 'management_endpoint', () => `${keyward.issuer}/account`],
    ['SM-025, SM-267', 'introspection_endpoint', () => `${keyward.issuer}/introspect`],
    ['SM-026, SM-269', 'revocation_endpoint', () => `${keyward.issuer}/revoke`],
    ['SM-027', 'registration_endpoint', () => undefined],
    ['SM-029', 'associated_endpoints', () => undefined],
    ['SM-030', 'smart_app_state_endpoint', () => undefined]
  ])('%s: says %s', (_id, name, expected) => {
    expect(smart[name]).toEqual(typeof expected === 'function' ? expected() : expected)
  })

  test('SM-024: the page that it names for people is there', async () => {
    expect((await fetch(String(smart.management_endpoint), { redirect: 'manual' })).status).toBeLessThan(400)
  })

  test('SM-022: scopes for identity, context and resources are in it', () => {
    const named = ['openid', 'fhirUser', 'launch', 'launch/patient', 'offline_access', 'patient/*.rs', 'system/*.rs']
    expect(smart.scopes_supported).toEqual(expect.arrayContaining(named))
  })

  test('SM-052, SM-198: no capability and no scope in it is a word of our own', () => {
    expect(smart.capabilities.filter((one) => !SMART_CAPABILITIES.includes(one) && !URL.canParse(one))).toEqual([])
    const named = /^(openid|fhirUser|profile|launch(\/[a-z]+)?|(on|off)line_access|(patient|user|system)\/[\w*]+\.[a-z*]+)$/
    expect(smart.scopes_supported.filter((one) => !named.test(one))).toEqual([])
  })

  test('SM-058: has each of the seventeen capabilities that certification looks for, once', () => {
    const sought = [
      ['launch-ehr', 'launch-standalone', 'authorize-post', 'sso-openid-connect', 'context-banner', 'context-style'],
      ['client-public', 'client-confidential-symmetric', 'client-confidential-asymmetric'],
      ['context-ehr-patient', 'context-ehr-encounter', 'context-standalone-patient'],
      ['permission-offline', 'permission-patient', 'permission-user', 'permission-v1', 'permission-v2']
    ].flat()
    expect(sought).toHaveLength(17)
    expect(smart.capabilities.filter((one) => sought.includes(one)).sort()).toEqual(sought.sort())
  })

  test.each([
    ['SM-032', 'launch-ehr'],
    ['SM-033', 'launch-standalone'],
    ['SM-034', 'authorize-post'],
    ['SM-035', 'client-public'],
    ['SM-036', 'client-confidential-symmetric'],
    ['SM-037', 'client-confidential-asymmetric'],
    ['SM-038', 'sso-openid-connect'],
    ['SM-039', 'context-banner'],
    ['SM-040', 'context-style'],
    ['SM-041', 'context-ehr-patient'],
    ['SM-042', 'context-ehr-encounter'],
    ['SM-043', 'context-standalone-patient'],
    ['SM-045', 'permission-offline'],
    ['SM-046', 'permission-online'],
    ['SM-047', 'permission-patient'],
    ['SM-048', 'permission-user'],
    ['SM-049', 'permission-v1'],
    ['SM-050', 'permission-v2']
  ])('%s: %s is listed', (_id, capability) => {
    expect(smart.capabilities).toContain(capability)
  })

  test('SM-051: smart-app-state is not listed, because app state is not offered', () => {
    expect(smart.capabilities).not.toContain('smart-app-state')
  })

  test('SM-027: names where apps register while they can, as the OpenID configuration does', async () => {
    const open = await startKeyward({
      change: (config) => ({ ...config, registration: { ...config.registration, enabled: true } })
    })
    try {
      for (const path of ['/fhir/clinic/.well-known/smart-configuration', '/.well-known/openid-configuration']) {
        const document: Discovered = JSON.parse(await (await fetch(`${open.issuer}${path}`)).text())
        expect(document.registration_endpoint).toBe(`${open.issuer}/register`)
      }
      expect((await fetch(`${open.issuer}/register`, { method: 'POST' })).status).not.toBe(404)
    } finally {
      await open.stop()
    }
  })

  test('SM-044: a visit is promised to standalone apps only where one can be chosen', () => {
    expect(smart.capabilities.includes('context-standalone-encounter')).toBe(smart.scopes_supported.includes('launch/encounter'))
  })

  test.each([
    [
      'SM-053, SM-054',
      ['launch-standalone', 'client-public', 'client-confidential-symmetric', 'context-standalone-patient', 'permission-patient']
    ],
    [
      'SM-053, SM-055',
      ['launch-ehr', 'client-public', 'client-confidential-symmetric', 'context-ehr-patient', 'permission-patient']
    ],
    [
      'SM-053, SM-056',
      ['launch-standalone', 'client-public', 'client-confidential-symmetric', 'permission-user', 'permission-patient']
    ],
    [
      'SM-053, SM-057',
      [
        'launch-ehr',
        'client-public',
        'client-confidential-symmetric',
        'context-ehr-patient',
        'context-ehr-encounter',
        'permission-user',
        'permission-patient'
      ]
    ]
  ])('%s: the set %j is complete', (_ids, set) => {
    expect(smart.capabilities).toEqual(expect.arrayContaining(set))
  })
})

describe('the OpenID configuration', () => {
  test.each(['application/json', 'text/html'])('SM-181: is JSON under the issuer, where Accept is %s', async (accept) => {
    const answer = await fetch(`${keyward.issuer}/.well-known/openid-configuration`, { headers: { Accept: accept } })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^application\/json(;|$)/)
  })

  test('SM-175, SM-182: has what OpenID Connect requires, RS256 among it', () => {
    expect(openid).toMatchObject({
      response_types_supported: ['code'],
      subject_types_supported: expect.arrayContaining(['public']),
      id_token_signing_alg_values_supported: expect.arrayContaining(['RS256'])
    })
  })

  test('SM-095: says of claims, request objects and userinfo what is there', () => {
    // Signed requests work (flows/signed-requests.test.ts), the other two are not offered.
    expect(openid).toMatchObject({ request_parameter_supported: true, request_uri_parameter_supported: false })
    expect(openid.claims_parameter_supported ?? false).toBe(false)
    expect(openid).not.toHaveProperty('userinfo_endpoint')
  })

  test('SM-183: names the same addresses as the SMART configuration', () => {
    for (const name of ENDPOINTS) expect(openid[name], name).toBe(smart[name])
  })

  test('SM-266: says how a FHIR server may prove that it is one where it introspects', () => {
    expect(openid).toMatchObject({
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'private_key_jwt', 'Bearer'],
      introspection_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384']
    })
  })

  test('SM-014, SM-177: its keys are bare public JWKs, each with a kid of its own, one for RS256 at least', async () => {
    const { keys }: { keys: Record<string, string>[] } = JSON.parse(await (await fetch(openid.jwks_uri)).text())
    expect(keys.filter(({ kty }) => kty === 'RSA').length).toBeGreaterThan(0)
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(keys.length)
    for (const key of keys) {
      expect(Object.keys(key).filter((name) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].includes(name))).toEqual([])
      for (const member of [key.n, key.e]) expect(member).toMatch(/^[\w-]+$/)
      await importJWK(key, 'RS256')
    }
  })
})
