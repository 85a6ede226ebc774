/**
 * Where our token endpoint and the engine's part on purpose, each with its reason; and that the engine's own can't be
 * reached. That they are alike in all else is in token-differential.test.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newApp } from '../harness/app-client.ts'
import { FHIR_BASE } from '../harness/clinic-config.ts'
import { STORES, storeOf } from '../harness/keyward.ts'
import {
  formOf,
  LAB,
  type Pair,
  redemption,
  refreshing,
  revoking,
  type Scenario,
  startPair,
  twice,
  withHeaders
} from '../harness/token-pair.ts'

describe.each(STORES)("our token endpoint and the engine's on %s", (store) => {
  let pair: Pair
  beforeAll(async () => {
    pair = await startPair(store)
    expect(await storeOf(pair.keyward.issuer)).toBe(store)
  })
  afterAll(() => pair.stop())

  describe('where they part on purpose', () => {
    const PARTINGS: [string, Scenario, [number, string?], [number, string?]][] = [
      // RFC 6749 §5.2: a client that the request names by nothing has failed to authenticate.
      ['no client at all', (one) => redemption(one, { client_id: undefined }), [401, 'invalid_client'], [400, 'invalid_request']],
      // RFC 6749 §2.3: one way in each request. The engine overlooks a secret in the form, since it knows no client that sends it so.
      [
        'two ways of client authentication',
        (one) => withHeaders(redemption(one, { client_secret: 'x', client_id: undefined }), { Authorization: LAB }),
        [400, 'invalid_request'],
        [400, 'invalid_grant']
      ],
      // RFC 6749 §5.2 has a word of its own.
      [
        'a grant type that the client is not registered for',
        (one) => refreshing(one, { client_id: 'small-app' }),
        [400, 'unauthorized_client'],
        [400, 'invalid_request']
      ],
      // RFC 7009 §2.2: what is no token of ours is as good as revoked.
      ['the revocation of a JWT', () => revoking('e30.e30.x'), [200], [400, 'unsupported_token_type']],
      // The authorization endpoint takes the FHIR server's address with a slash or without: so does this one.
      [
        'a resource with a slash at its end',
        (one) => refreshing(one, { resource: `${FHIR_BASE}/` }),
        [200],
        [400, 'invalid_target']
      ],
      // The engine takes the first and overlooks the other.
      [
        'two resources',
        (one) => twice(refreshing(one, { resource: FHIR_BASE }), 'resource', 'http://localhost:9011/fhir'),
        [400, 'invalid_target'],
        [200]
      ],
      // RFC 6749 §3.2: parameters come once, whatever their name.
      ['an unknown parameter twice', (one) => twice(redemption(one, { x: '1' }), 'x', '2'), [400, 'invalid_request'], [200]],
      // Any part of what the person has granted may be asked for, not its words alone.
      [
        'a part of a granted scope',
        (one) => refreshing(one, { scope: 'openid patient/Patient.r' }),
        [200],
        [400, 'invalid_scope']
      ],
      // fhirclient, the most used SMART library, leaves it out.
      [
        'a refresh of a public client without client_id',
        (one) => refreshing(one, { client_id: undefined }),
        [200],
        [400, 'invalid_request']
      ]
    ]
    test.each(PARTINGS)('%s', async (_, scenario, [status, error], [theirStatus, theirError]) => {
      const { ours, theirs } = await pair.both(scenario)
      expect({ status: ours.status, error: ours.error }).toEqual({ status, error })
      expect({ status: theirs.status, error: theirs.error }).toEqual({ status: theirStatus, error: theirError })
    })

    test('a second use is found out before anything else of the request is looked at', async () => {
      const [first, second] = [await pair.given(), await pair.given()]
      for (const [base, one] of [
        [pair.keyward.issuer, first],
        [pair.engine.url, second]
      ] as const)
        expect((await pair.ask(base, refreshing(one))).status).toBe(200)
      const wider = { scope: 'patient/Observation.rs' }
      expect((await pair.ask(pair.keyward.issuer, refreshing(first, wider))).error).toBe('invalid_grant')
      expect((await pair.ask(pair.engine.url, refreshing(second, wider))).error).toBe('invalid_scope')
    })
  })

  test.each(['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD'])(
    "%s reaches no token endpoint but ours, and the engine's is shut in production",
    async (method) => {
      for (const path of ['/token', '/revoke'])
        expect((await fetch(`${pair.keyward.issuer}${path}`, { method })).status).toBe(405)
    }
  )

  test.each(['/TOKEN', '/Token', '/token/', '//token', '/%74oken', '/token;x', '/token/revocation', '/token/introspection'])(
    'POST %s gives no token by another way',
    async (path) => {
      const one = await pair.given()
      const form = formOf(redemption(one))
      const answer = await fetch(`${pair.keyward.issuer}${path}`, { method: 'POST', body: new URLSearchParams(form) })
      const text = await answer.text()
      const records = (await pair.keyward.auditEvents('token')).filter(({ outcome }) => outcome === 'issued').length
      if (answer.status === 200) {
        // One and the same handler: it was recorded, and the code is spent.
        expect(JSON.parse(text)).toHaveProperty('access_token')
        expect(records).toBeGreaterThan(0)
        expect((await newApp(pair.keyward.issuer).redeem(one.code, { code_verifier: one.verifier })).body.error).toBe(
          'invalid_grant'
        )
      } else {
        // The engine is not asked: it would answer 400, 401 or 500.
        expect(answer.status).toBe(404)
        expect(text).not.toContain('kw_at_')
        expect((await pair.ask(pair.keyward.issuer, redemption(one))).status).toBe(200)
      }
    }
  )
})
