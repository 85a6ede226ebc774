/** An OpenID Connect client that others wrote signs people in: each kind of app, with what SMART adds to the code flow. */
import * as oidc from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { authorize } from '../harness/app-client.ts'
import { newClientKey, serviceConfig } from '../harness/backend-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { APP_REDIRECT, FHIR_BASE } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { LAB_APP, withoutSecondFactor } from '../harness/visit.ts'

const SCOPE = 'openid fhirUser offline_access launch/patient patient/Patient.rs'
const KEYED_REDIRECT = 'https://keyed.example/cb'
const key = newClientKey('ES384')

function change(config: Config): Config {
  const app = serviceConfig('keyed-app', key, {
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: [KEYED_REDIRECT],
    smart_scope: `${SCOPE} patient/*.rs`
  })
  return withoutSecondFactor({ ...config, clients: [...config.clients, app] })
}

/** The same key, as the Web Crypto API has it. */
async function cryptoKey() {
  const jwk = key.privateKey.export({ format: 'jwk' })
  return crypto.subtle.importKey('jwk', { ...jwk }, { name: 'ECDSA', namedCurve: 'P-384' }, false, ['sign'])
}

/** SMART wants typ in the header of an assertion, which RFC 7523 leaves open. */
const typed: oidc.ModifyAssertionOptions = {
  [oidc.modifyAssertion]: (header) => {
    header.typ = 'JWT'
  }
}

const apps: [kind: string, clientId: string, redirectUri: string, proof: () => Promise<oidc.ClientAuth>][] = [
  ['a public app', 'heart-app', APP_REDIRECT, async () => oidc.None()],
  ['an app with a secret', LAB_APP.clientId, LAB_APP.redirectUri, async () => oidc.ClientSecretBasic(LAB_APP.secret)],
  [
    'an app with a key',
    'keyed-app',
    KEYED_REDIRECT,
    async () => oidc.PrivateKeyJwt({ key: await cryptoKey(), kid: key.kid }, typed)
  ]
]

describe.each(STORES)('an independent client on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({ store, change })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward?.stop())

  test.each(apps)(
    'SM-038, SM-172, SM-181, SM-184, SM-222: of %s signs a person in, and refreshes',
    async (_kind, clientId, redirectUri, proof) => {
      const client = await oidc.discovery(new URL(keyward.issuer), clientId, undefined, await proof(), {
        execute: [oidc.allowInsecureRequests]
      })
      const verifier = oidc.randomPKCECodeVerifier()
      const expected = { pkceCodeVerifier: verifier, expectedState: oidc.randomState(), expectedNonce: oidc.randomNonce() }
      const url = oidc.buildAuthorizationUrl(client, {
        redirect_uri: redirectUri,
        scope: SCOPE,
        aud: FHIR_BASE,
        state: expected.expectedState,
        nonce: expected.expectedNonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256'
      })
      const page = await authorize(newBrowser(keyward.issuer), url.href, { tick: () => true })
      const tokens = await oidc.authorizationCodeGrant(client, new URL(page.url), { ...expected, idTokenExpected: true })
      expect(tokens).toMatchObject({ token_type: 'bearer', patient: 'leo', expires_in: expect.any(Number) })
      expect(tokens.claims()).toMatchObject({ iss: keyward.issuer, aud: clientId, fhirUser: `${FHIR_BASE}/Patient/maria` })
      const refreshed = await oidc.refreshTokenGrant(client, tokens.refresh_token ?? '')
      expect(refreshed).toMatchObject({ scope: tokens.scope, patient: 'leo' })
      expect(refreshed.claims()?.sub).toBe(tokens.claims()?.sub)
    }
  )
})
