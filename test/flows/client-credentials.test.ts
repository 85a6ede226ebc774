/** Backend services: a token for a client by itself. Which assertions are accepted at all is in unit/clients. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { introspect, newApp } from '../harness/app-client.ts'
import { newClientKey, newService, type Service, type ServiceAnswer, serviceConfig } from '../harness/backend-client.ts'
import { FHIR_BASE } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'

const OTHER_BASE = 'http://localhost:9011/fhir'
const rsa = newClientKey('RS384')
const ec = newClientKey('ES384')

const change = (config: Config): Config => ({
  ...config,
  clients: [
    ...config.clients,
    serviceConfig('bulk', rsa),
    serviceConfig('bulk-ec', ec),
    serviceConfig('both', ec, { fhir_servers: ['clinic', 'other'] }),
    serviceConfig('nowhere', ec, { fhir_servers: [] }),
    serviceConfig('few', ec, { smart_scope: 'system/Patient.r system/Observation.rs?category=laboratory user/*.rs openid' }),
    serviceConfig('no-grant', ec, { grant_types: [] }),
    serviceConfig('secret', ec, { token_endpoint_auth_method: 'client_secret_basic', client_secret: 'a secret', jwks: undefined })
  ]
})

/** RFC 6749 §5.2: JSON, not to be stored, with a description. */
function refused(status: number, error: string, { status: got, headers, body }: ServiceAnswer): void {
  expect({ got, error: body.error }).toEqual({ got: status, error })
  expect(body).toMatchObject({ error_description: expect.stringMatching(/\w{3}/) })
  expect(body).not.toHaveProperty('access_token')
  expect(headers.get('content-type')).toContain('application/json')
  expect(headers.get('cache-control')).toBe('no-store')
}

describe.each(STORES)('client_credentials on %s', (store) => {
  let keyward: Keyward
  let bulk: Service
  const of = (clientId: string, key = ec) => newService(keyward.issuer, clientId, key)
  beforeAll(async () => {
    keyward = await startKeyward({ store, change })
    bulk = of('bulk', rsa)
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward?.stop())

  test.each(['RS384', 'ES384'] as const)(
    'case 39: SM-240: SM-243: SM-248: SM-249: SM-251: %s: an access token for five minutes, and nothing beside it',
    async (alg) => {
      const { status, headers, body } = await (alg === 'RS384' ? bulk : of('bulk-ec')).token()
      expect(status).toBe(200)
      expect(body).toEqual({
        access_token: expect.stringMatching(/^kw_at_/),
        token_type: 'bearer',
        expires_in: 300,
        scope: 'system/*.rs'
      })
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('pragma')).toBe('no-cache')
      expect(headers.get('content-type')).toMatch(/^application\/json/)
    }
  )

  test.each(['/fhir/clinic/.well-known/smart-configuration', '/.well-known/openid-configuration'])(
    'SM-253: SM-141: %s says how',
    async (path) => {
      const told: { capabilities?: string[] } = JSON.parse(await (await fetch(`${keyward.issuer}${path}`)).text())
      expect(told).toMatchObject({
        token_endpoint: `${keyward.issuer}/token`,
        token_endpoint_auth_methods_supported: expect.arrayContaining(['private_key_jwt']),
        token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
        grant_types_supported: expect.arrayContaining(['client_credentials']),
        scopes_supported: expect.arrayContaining(['system/*.rs'])
      })
      if (path.startsWith('/fhir')) expect(told.capabilities).toContain('client-confidential-asymmetric')
    }
  )

  test('the FHIR server is told that it is the client by itself', async () => {
    const { body } = await bulk.token()
    const { body: told } = await introspect(keyward.issuer, String(body.access_token))
    const iat = Math.floor(Date.now() / 1000)
    expect(told).toEqual({
      active: true,
      iss: keyward.issuer,
      sub: 'bulk',
      client_id: 'bulk',
      aud: FHIR_BASE,
      scope: 'system/*.rs',
      token_type: 'Bearer',
      iat: expect.any(Number),
      exp: expect.any(Number)
    })
    expect(Math.abs(Number(told.iat) - iat)).toBeLessThan(60)
    expect(Number(told.exp) - Number(told.iat)).toBe(300)
    expect(await introspect(keyward.issuer, String(body.access_token), 'other-fhir')).toMatchObject({ text: '{"active":false}' })
  })

  test('the audit trail says who got what, and why others got nothing', async () => {
    const before = (await keyward.auditEvents('token')).length
    await bulk.token()
    await bulk.token({ scope: 'system/*.cud' })
    await of('bulk', ec).token()
    expect((await keyward.auditEvents('token')).slice(before)).toMatchObject([
      { outcome: 'issued', grantType: 'client_credentials', clientId: 'bulk', fhirServer: 'clinic', scopes: ['system/*.rs'] },
      { outcome: 'refused', grantType: 'client_credentials', clientId: 'bulk', fhirServer: 'clinic' },
      { outcome: 'refused', grantType: 'client_credentials', clientId: 'bulk', reason: expect.stringContaining('key') }
    ])
  })

  test.each<[client: string, asked: string, granted: string]>([
    ['bulk', 'system/*.read', 'system/*.read'],
    ['bulk', 'system/Patient.read system/Observation.rs', 'system/Patient.read system/Observation.rs'],
    ['bulk', 'system/Patient.r', 'system/Patient.r'],
    ['bulk', 'system/Observation.rs?category=laboratory', 'system/Observation.rs?category=laboratory'],
    ['bulk', 'system/*.cruds', 'system/*.rs'],
    ['bulk', 'system/*.*', 'system/*.read'],
    ['bulk', 'system/Patient.rs system/Patient.rs', 'system/Patient.rs'],
    [
      'bulk',
      'system/Patient.rs patient/*.rs user/*.rs openid fhirUser offline_access launch launch/patient',
      'system/Patient.rs'
    ],
    ['bulk', 'system/Patient.rs system/patient.rs system/Patient.sr SYSTEM/Patient.rs nonsense', 'system/Patient.rs'],
    ['few', 'system/*.rs', 'system/Patient.r system/Observation.rs?category=laboratory'],
    ['few', 'system/*.read', 'system/Patient.r system/Observation.rs?category=laboratory'],
    ['few', 'user/*.rs system/Patient.rs', 'system/Patient.r'],
    ['few', 'system/Observation.rs?category=vital-signs', 'system/Observation.rs?category=vital-signs&category=laboratory']
  ])('SM-071: SM-241: SM-242: SM-250: %s asks for %s', async (clientId, scope, granted) => {
    const { status, body } = await of(clientId, clientId === 'bulk' ? rsa : ec).token({ scope })
    expect({ status, scope: String(body.scope).split(' ').sort() }).toEqual({ status: 200, scope: granted.split(' ').sort() })
  })

  test.each<[client: string, asked: string | undefined]>([
    ['bulk', undefined],
    ['bulk', ''],
    ['bulk', 'system/Patient.cud'],
    ['bulk', 'patient/*.rs'],
    ['bulk', 'user/*.rs'],
    ['bulk', 'openid fhirUser'],
    ['bulk', 'offline_access'],
    ['bulk', 'system/Patient.rs\nsystem/Observation.rs'],
    ['bulk', 'system/Patient.rs"'],
    ['bulk', 'system/Patient.rs?code=1'],
    ['few', 'user/*.rs openid'],
    ['few', 'system/Condition.rs']
  ])('SM-242: %s asks for %j: invalid_scope', async (clientId, scope) => {
    refused(400, 'invalid_scope', await of(clientId, clientId === 'bulk' ? rsa : ec).token({ scope }))
  })

  test.each<[client: string, asked: Record<string, string>, base: string]>([
    ['bulk', { resource: FHIR_BASE }, FHIR_BASE],
    ['bulk', { aud: FHIR_BASE }, FHIR_BASE],
    ['bulk', { aud: `${FHIR_BASE}/`, resource: FHIR_BASE }, FHIR_BASE],
    ['both', { resource: OTHER_BASE }, OTHER_BASE],
    ['both', { aud: FHIR_BASE }, FHIR_BASE]
  ])('%s names %j', async (clientId, asked, base) => {
    const { body } = await of(clientId, clientId === 'bulk' ? rsa : ec).token(asked)
    const by = base === FHIR_BASE ? 'clinic-fhir' : 'other-fhir'
    expect((await introspect(keyward.issuer, String(body.access_token), by)).body).toMatchObject({ active: true, aud: base })
    const notBy = by === 'clinic-fhir' ? 'other-fhir' : 'clinic-fhir'
    expect((await introspect(keyward.issuer, String(body.access_token), notBy)).text).toBe('{"active":false}')
  })

  test.each<[client: string, asked: Record<string, string>]>([
    ['both', {}],
    ['both', { resource: FHIR_BASE, aud: OTHER_BASE }],
    ['bulk', { resource: OTHER_BASE }],
    ['bulk', { aud: 'https://fhir.example' }],
    ['bulk', { resource: FHIR_BASE, aud: 'https://fhir.example' }],
    ['nowhere', {}],
    ['nowhere', { resource: FHIR_BASE }]
  ])('%s names %j: invalid_target', async (clientId, asked) => {
    refused(400, 'invalid_target', await of(clientId, clientId === 'bulk' ? rsa : ec).token(asked))
  })

  test('SM-122: a shared secret is not enough, whatever the client is registered for', async () => {
    const authorization = `Basic ${btoa('secret:a secret')}`
    const form = { grant_type: 'client_credentials', scope: 'system/*.rs' }
    refused(400, 'unauthorized_client', await bulk.post('/token', form, { authorization }))
  })

  test('a client that is not registered for it gets nothing, by no other grant type either', async () => {
    refused(400, 'unauthorized_client', await of('no-grant').token())
    refused(400, 'unauthorized_client', await bulk.token({ grant_type: 'refresh_token', refresh_token: 'kw_rt_x' }))
    refused(400, 'unauthorized_client', await bulk.token({ grant_type: 'authorization_code', code: 'kw_ac_x' }))
  })

  test('SM-244: case 44: another grant type is exactly 400, though the assertion is right', async () => {
    refused(400, 'unsupported_grant_type', await bulk.token({ grant_type: 'not_a_grant_type' }))
    refused(400, 'invalid_request', await bulk.token({ grant_type: undefined }))
  })

  test('SM-245: SM-246: SM-247: case 44: a wrong type of assertion, a wrong JWT, a wrong client', async () => {
    refused(401, 'invalid_client', await bulk.token({ client_assertion_type: 'not_an_assertion_type' }))
    refused(401, 'invalid_client', await bulk.token({ client_assertion: 'not.a.jwt' }))
    refused(401, 'invalid_client', await bulk.token({ client_assertion: bulk.assertion({ exp: 1 }) }))
    refused(401, 'invalid_client', await bulk.token({ client_id: 'bulk-ec' }))
    refused(401, 'invalid_client', await of('nobody').token())
    refused(401, 'invalid_client', await bulk.token({ client_assertion: undefined, client_assertion_type: undefined }))
  })

  test('case 36: an assertion beside a secret is refused, in the body and in the header', async () => {
    refused(400, 'invalid_request', await bulk.token({ client_secret: 'secret' }))
    const form = { grant_type: 'client_credentials', scope: 'system/*.rs', client_assertion: bulk.assertion() }
    refused(400, 'invalid_request', await bulk.post('/token', form, { authorization: `Basic ${btoa('secret:a secret')}` }))
    const { status } = await bulk.post('/token', form, { authorization: `Basic ${btoa('bulk:')}` })
    expect(status).toBe(400)
  })

  test('case 47: the same assertion twice is one token', async () => {
    const client_assertion = bulk.assertion()
    expect(await bulk.token({ client_assertion })).toMatchObject({ status: 200 })
    refused(401, 'invalid_client', await bulk.token({ client_assertion }))
    const many = bulk.assertion()
    const answers = await Promise.all(Array.from({ length: 25 }, () => bulk.token({ client_assertion: many })))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 24 }, () => 401)])
  })

  test('a client ends its own token, and nobody ends it for another', async () => {
    const token = String((await bulk.token()).body.access_token)
    const ec = of('bulk-ec')
    const by = (one: Service) => ({
      token,
      client_assertion: one.assertion(),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    })
    expect((await ec.post('/revoke', by(ec))).status).toBe(200)
    expect((await newApp(keyward.issuer).revoke(token)).status).toBe(200)
    expect((await introspect(keyward.issuer, token)).body).toMatchObject({ active: true })
    expect((await bulk.post('/revoke', by(bulk))).status).toBe(200)
    expect((await introspect(keyward.issuer, token)).text).toBe('{"active":false}')
    expect((await bulk.post('/revoke', by(bulk))).status).toBe(200)
    const told = await keyward.auditEvents('revocation')
    expect(told.filter(({ clientId }) => clientId === 'bulk')).toMatchObject([
      { outcome: 'revoked' },
      { outcome: 'refused', reason: 'no-such-token' }
    ])
  })

  test('what makes the token can only be used here: it is no code, no refresh token, and opens no page', async () => {
    const token = String((await bulk.token()).body.access_token)
    const app = newApp(keyward.issuer)
    expect(await app.refresh(token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await app.redeem(token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('an expired token is inactive', async () => {
    const token = String((await bulk.token()).body.access_token)
    const found = await keyward.store.get<{ exp: number }>({ name: 'AccessToken' }, token)
    await keyward.store.put({ name: 'AccessToken' }, token, { ...found, exp: Math.floor(Date.now() / 1000) - 1 })
    expect((await introspect(keyward.issuer, token)).text).toBe('{"active":false}')
  })
})
