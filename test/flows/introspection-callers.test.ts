/** Who may introspect, and how a FHIR server proves that it is one: Basic, an assertion in the form, an access token. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClients } from '../../src/clients/clients.ts'
import type { ClientConfig, Config } from '../../src/config/config.ts'
import { basic, introspect } from '../harness/app-client.ts'
import { assertionForm, newClientKey, newService, type ServiceAnswer, serviceConfig } from '../harness/backend-client.ts'
import { SECRETS } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { newVisit, type Visit, withoutSecondFactor } from '../harness/visit.ts'

const key = newClientKey('ES384')
const INACTIVE = '{"active":false}'
const own = (id: string, more: Partial<ClientConfig> = {}) =>
  serviceConfig(id, key, { smart_scope: '__introspect', fhir_servers: [], ...more })

/** Four that have keys: one each for the two FHIR servers, one for neither, one that only authenticates. */
const change = (config: Config): Config => ({
  ...withoutSecondFactor(config),
  fhirServers: config.fhirServers.map((server) => ({
    ...server,
    introspectedBy: [...server.introspectedBy, ...(server.id === 'clinic' ? ['gateway', 'plain'] : ['other-gateway'])]
  })),
  clients: [
    ...config.clients,
    own('gateway', { smart_scope: '__introspect __launch_context' }),
    own('other-gateway'),
    own('outsider'),
    own('plain', { smart_scope: '', grant_types: [] })
  ]
})

describe.each(STORES)('who introspects on %s', (store) => {
  let keyward: Keyward
  let visit: Visit
  let access: string
  beforeAll(async () => {
    keyward = await startKeyward({ store, change })
    expect(await storeOf(keyward.issuer)).toBe(store)
    visit = newVisit(keyward)
    access = (await visit.tokens()).access
  })
  afterAll(() => keyward?.stop())

  async function bearerOf(clientId: string, scope = '__introspect'): Promise<string> {
    const { status, body } = await newService(keyward.issuer, clientId, key).token({ scope })
    expect(status).toBe(200)
    return String(body.access_token)
  }
  const ask = (form: Record<string, string>, authorization?: string): Promise<ServiceAnswer> =>
    newService(keyward.issuer, 'gateway', key).post('/introspect', form, authorization ? { Authorization: authorization } : {})
  const assertion = (clientId: string) => newService(keyward.issuer, clientId, key).assertion()
  const refusals = async () => (await keyward.auditEvents('introspection')).length

  test('SM-266: a bearer token with the scope __introspect is told what Basic is told, of any client', async () => {
    const bearer = await bearerOf('gateway')
    const expected = await introspect(keyward.issuer, access)
    expect(expected.body).toMatchObject({ active: true, client_id: 'heart-app' })
    for (const scheme of ['Bearer', 'bearer']) {
      const { status, text, headers } = await ask({ token: access }, `${scheme} ${bearer}`)
      expect({ status, text }).toEqual({ status: 200, text: expected.text })
      expect(headers.get('cache-control')).toBe('no-store')
    }
  })

  test('SM-266: an assertion in the form is told the same, with and without client_id, once', async () => {
    const expected = await introspect(keyward.issuer, access)
    for (const more of [{}, { client_id: 'plain' }] as Record<string, string>[]) {
      const form = { token: access, ...more, ...assertionForm(assertion('plain')) }
      expect(await ask(form)).toMatchObject({ status: 200, text: expected.text })
      expect(await ask(form)).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    }
  })

  test.each(['other-gateway', 'outsider'])(
    'SM-266, SM-276: %s is told nothing of the clinic, as Basic is not',
    async (clientId) => {
      const before = await refusals()
      const byBasic = await introspect(keyward.issuer, access, 'other-fhir')
      const byBearer = await ask({ token: access }, `Bearer ${await bearerOf(clientId)}`)
      const byAssertion = await ask({ token: access, ...assertionForm(assertion(clientId)) })
      expect([byBasic.text, byBearer.text, byAssertion.text]).toEqual([INACTIVE, INACTIVE, INACTIVE])
      expect((await keyward.auditEvents('introspection')).slice(before)).toEqual(
        ['other-fhir', clientId, clientId].map((id) =>
          expect.objectContaining({ outcome: 'refused', reason: 'not-for-this-caller', clientId: id })
        )
      )
    }
  )

  test('SM-265, SM-266: what is worth nothing looks the same to each of them', async () => {
    const bearer = await bearerOf('gateway')
    for (const token of ['x', `kw_at_AAAAAAAA.${'A'.repeat(43)}`, bearer, (await visit.tokens()).refresh])
      expect(await ask({ token }, `Bearer ${bearer}`)).toMatchObject({ status: 200, text: INACTIVE })
  })

  test('SM-266: without any proof, or with a false one, it is 401, and nothing is told', async () => {
    const wrong: [Record<string, string>, string?][] = [
      [{}],
      [{ client_id: 'gateway' }],
      [{ client_id: 'heart-app' }],
      [{ client_id: 'clinic-fhir', client_secret: SECRETS['clinic-fhir'] }],
      [{}, 'Bearer'],
      [{}, `Bearer ${access}`],
      [{}, `Bearer kw_at_AAAAAAAA.${'A'.repeat(43)}`],
      [{}, basic('clinic-fhir', 'wrong')],
      [{}, 'Digest x'],
      [assertionForm('x.y.z')],
      [assertionForm(newService(keyward.issuer, 'plain', newClientKey('ES384')).assertion())]
    ]
    for (const [form, authorization] of wrong) {
      const before = await refusals()
      const answer = await ask({ token: access, ...form }, authorization)
      expect([answer.status, Object.keys(answer.body)], JSON.stringify([form, authorization])).toEqual([
        401,
        ['error', 'error_description']
      ])
      expect(answer.headers.get('www-authenticate')).toMatch(authorization?.startsWith('Bearer') ? /^Bearer / : /^Basic /)
      expect((await keyward.auditEvents('introspection')).slice(before)).toMatchObject([
        { outcome: 'refused', reason: 'unauthenticated' }
      ])
    }
  })

  test('SM-266: a bearer token without the scope is 403', async () => {
    const bearer = await bearerOf('gateway', '__launch_context')
    const { status, body, headers } = await ask({ token: access }, `Bearer ${bearer}`)
    expect([status, body.error]).toEqual([403, 'insufficient_scope'])
    expect(headers.get('www-authenticate')).toContain('scope="__introspect"')
    expect((await keyward.auditEvents('introspection')).at(-1)).toMatchObject({
      outcome: 'refused',
      reason: 'insufficient-scope',
      clientId: 'gateway'
    })
  })

  test('SM-266: two proofs in one request are refused', async () => {
    const bearer = await bearerOf('gateway')
    for (const authorization of [basic('clinic-fhir', SECRETS['clinic-fhir']), `Bearer ${bearer}`])
      expect(await ask({ token: access, ...assertionForm(assertion('plain')) }, authorization)).toMatchObject({
        status: 400,
        body: { error: 'invalid_request' }
      })
    const both = { client_secret: SECRETS['clinic-fhir'], ...assertionForm(assertion('plain')) }
    expect(await ask({ token: access, ...both })).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
  })

  test('SM-266: a client that is disabled is told nothing from then on, whatever it shows', async () => {
    const bearer = await bearerOf('gateway')
    const { store: records, config, issuer } = keyward
    const clients = createClients({ configured: config.clients, issuer, store: records })
    await clients.setDisabled('gateway', true)
    try {
      expect(await ask({ token: access }, `Bearer ${bearer}`)).toMatchObject({ status: 401 })
      expect(await ask({ token: access, ...assertionForm(assertion('gateway')) })).toMatchObject({ status: 401 })
    } finally {
      await clients.setDisabled('gateway', false)
    }
    expect(await ask({ token: access }, `Bearer ${bearer}`)).toMatchObject({ status: 200, body: { active: true } })
  })
})
