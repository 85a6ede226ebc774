/** Clients with keys, at each endpoint at which they prove themselves, and who may change keys that were registered in place. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { assertionForm, newClientKey, newService, serviceConfig } from '../harness/backend-client.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { APP, ask, idOf, register, SANDBOX_BASE, tokenOf, uriOf, withRegistration } from '../harness/registering.ts'
import { newVisit } from '../harness/visit.ts'

const key = newClientKey('RS384')

/** A service that is also the one that introspects for the clinic. */
function change(config: Config): Config {
  const fhirServers = config.fhirServers.map((server) =>
    server.id === 'clinic' ? { ...server, introspectedBy: [...server.introspectedBy, 'gateway'] } : server
  )
  return withRegistration({ ...config, fhirServers, clients: [...config.clients, serviceConfig('gateway', key)] })
}

describe.each(STORES)('proofs by key on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({ store, change })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward?.stop())

  test('SM-139: an assertion is taken at the token endpoint, at introspection and at revocation, and is good once over all of them', async () => {
    const gateway = newService(keyward.issuer, 'gateway', key)
    const { access_token: access } = (await gateway.token()).body
    const uses: [name: string, use: (assertion: string) => Promise<{ status: number }>][] = [
      ['token', (assertion) => gateway.token(assertionForm(assertion))],
      ['introspect', (assertion) => gateway.post('/introspect', { token: String(access), ...assertionForm(assertion) })],
      ['revoke', (assertion) => gateway.post('/revoke', { token: 'unknown', ...assertionForm(assertion) })]
    ]
    for (const [first, use] of uses) {
      const assertion = gateway.assertion()
      expect({ first, status: (await use(assertion)).status }).toEqual({ first, status: 200 })
      for (const [then, useAgain] of uses)
        expect({ first, then, ...(await useAgain(assertion)) }).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    }
  })

  test('SM-068: keys that an app registered in place are changed by its own registration access token, and by nothing else', async () => {
    const [mine, theirs] = [newClientKey('ES384'), newClientKey('ES384')]
    const keyed = { ...APP, token_endpoint_auth_method: 'private_key_jwt' }
    const app = await register(keyward, { ...keyed, jwks: { keys: [mine.jwk] } })
    const attacker = await register(keyward, { ...keyed, jwks: { keys: [theirs.jwk] } })
    const change = { ...keyed, client_id: idOf(app), jwks: { keys: [theirs.jwk] } }
    const forged = tokenOf(app).replace(/.{8}$/, 'AAAAAAAA')
    for (const token of [undefined, tokenOf(attacker), 'kw_rat_unknown', forged])
      expect(await ask('PUT', uriOf(app), { token, body: change })).toMatchObject({ status: 401 })

    const visit = newVisit(keyward, { clientId: idOf(app), redirectUri: 'https://sleep.example/cb' })
    const code = () => visit.code({ scope: APP.scope, aud: SANDBOX_BASE })
    const by = (proof: typeof mine) => ({
      client_id: undefined,
      ...assertionForm(newService(keyward.issuer, idOf(app), proof).assertion())
    })
    expect(await visit.app.redeem(await code(), by(theirs))).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    expect((await visit.app.redeem(await code(), by(mine))).status).toBe(200)

    expect(await ask('PUT', uriOf(app), { token: tokenOf(app), body: change })).toMatchObject({ status: 200 })
    expect(await visit.app.redeem(await code(), by(mine))).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    expect((await visit.app.redeem(await code(), by(theirs))).status).toBe(200)
  })
})
