/** Access tokens for Keyward's own API: who gets one, and that it is nothing at a FHIR server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { introspect } from '../harness/app-client.ts'
import { newClientKey, newService, serviceConfig } from '../harness/backend-client.ts'
import { FHIR_BASE } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'

const key = newClientKey('ES384')
const LISTED = '__launch_context system/*.rs'

const change = (config: Config): Config => ({
  ...config,
  clients: [
    ...config.clients,
    serviceConfig('ehr', key, { smart_scope: LISTED, launch_contexts: ['clinic'] }),
    serviceConfig('bulk', key),
    serviceConfig('ungranted', key, { smart_scope: LISTED, grant_types: [] })
  ]
})

describe.each(STORES)("Keyward's own API on %s", (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({ store, change })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward?.stop())
  const token = (clientId: string, changes: Record<string, string | undefined> = {}) =>
    newService(keyward.issuer, clientId, key).token({ scope: '__launch_context', ...changes })

  test('a client that is registered for a scope of it gets a short token, which no FHIR server takes', async () => {
    const { status, body } = await token('ehr')
    expect({ status, body }).toEqual({
      status: 200,
      body: { access_token: expect.any(String), token_type: 'bearer', expires_in: 300, scope: '__launch_context' }
    })
    const shown = String(body.access_token)
    for (const by of ['clinic-fhir', 'other-fhir'] as const)
      expect((await introspect(keyward.issuer, shown, by)).text).toBe('{"active":false}')
  })

  test('the audience may be named: it is the issuer', async () => {
    expect(await token('ehr', { resource: keyward.issuer })).toMatchObject({ status: 200 })
    expect(await token('ehr', { aud: FHIR_BASE })).toMatchObject({ status: 400, body: { error: 'invalid_target' } })
  })

  test('a token is for one audience: scopes of a FHIR server beside it are dropped', async () => {
    expect((await token('ehr', { scope: 'system/*.rs __launch_context' })).body.scope).toBe('__launch_context')
    const forFhir = await token('ehr', { scope: 'system/*.rs' })
    expect((await introspect(keyward.issuer, String(forFhir.body.access_token))).body).toMatchObject({ scope: 'system/*.rs' })
  })

  test.each([
    ['bulk', '__launch_context', 'invalid_scope'],
    ['ehr', '__introspect', 'invalid_scope'],
    ['ungranted', '__launch_context', 'unauthorized_client']
  ])('%s, which is not registered for it, gets no %s', async (clientId, scope, error) => {
    expect(await token(clientId, { scope })).toMatchObject({ status: 400, body: { error } })
  })
})
