/** Cases 74 to 77: the published keys, what an id_token says, and that no token passes as one of another kind, issuer, audience or time. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { authorize, introspect, newApp } from '../harness/app-client.ts'
import { assertionForm, newClientKey, newService, serviceConfig } from '../harness/backend-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { newVisit, type Tokens, type Visit, withoutSecondFactor } from '../harness/visit.ts'

const service = newClientKey('ES384')
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth']

describe.each(STORES)('keys and kinds of token on %s', (store) => {
  let keyward: Keyward
  let visit: Visit
  let tokens: Tokens
  let idToken: string
  beforeAll(async () => {
    keyward = await startKeyward({
      store,
      change: (config) => withoutSecondFactor({ ...config, clients: [...config.clients, serviceConfig('lab-sync', service)] })
    })
    expect(await storeOf(keyward.issuer)).toBe(store)
    visit = newVisit(keyward)
    tokens = await visit.tokens({ nonce: 'nonce-1' })
    idToken = tokens.response.body.id_token ?? ''
  })
  afterEach(() => void vi.useRealTimers())
  afterAll(() => keyward?.stop())

  const verify = (token: string, options: { issuer?: string; audience?: string; currentDate?: Date } = {}) =>
    jwtVerify(token, createRemoteJWKSet(new URL(`${keyward.issuer}/jwks`)), {
      issuer: keyward.issuer,
      audience: 'heart-app',
      ...options
    })

  test('case 74, mistake 12: every published key is public, strong, and has a kid of its own', async () => {
    const { keys } = JSON.parse(await (await fetch(`${keyward.issuer}/jwks`)).text())
    const kids: string[] = []
    for (const key of keys) {
      expect(PRIVATE_MEMBERS.filter((member) => member in key)).toEqual([])
      const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPublicKey({ key, format: 'jwk' })
      if (type === 'rsa') expect(details?.modulusLength).toBeGreaterThanOrEqual(2048)
      else expect(type).toBe('ec')
      // Base64url without padding: what Inferno and most libraries read.
      for (const member of ['n', 'e', 'x', 'y']) if (member in key) expect(key[member]).toMatch(/^[\w-]+$/)
      kids.push(key.kid)
    }
    expect(kids.length).toBeGreaterThan(0)
    expect(new Set(kids).size).toBe(kids.length)
    expect(keys.some(({ kty }: { kty: string }) => kty === 'RSA')).toBe(true)
  })

  test('case 77, mistake 12: an id_token is RS256 with a published kid, for its app, with the nonce, auth_time and what really happened', async () => {
    const { payload, protectedHeader } = await verify(idToken)
    expect(protectedHeader).toMatchObject({ alg: 'RS256', kid: expect.stringMatching(/./) })
    expect(payload).toMatchObject({ aud: 'heart-app', nonce: 'nonce-1', amr: ['pwd'] })
    expect(payload).not.toHaveProperty('acr')
    const now = Date.now() / 1000
    expect(payload.auth_time).toBeGreaterThan(now - 300)
    expect(payload.auth_time).toBeLessThanOrEqual(payload.iat ?? 0)
  })

  test('case 77: auth_time is when the person signed in, not when the token was made, also after a refresh', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    vi.setSystemTime(Date.now() + 60_000)
    const later = await visit.tokens({ nonce: 'nonce-2' })
    const first = decodeJwt(idToken)
    expect(decodeJwt(later.response.body.id_token ?? '')).toMatchObject({ auth_time: first.auth_time, nonce: 'nonce-2' })
    const refreshed = await visit.app.refresh(later.refresh)
    expect(decodeJwt(refreshed.body.id_token ?? '')).toMatchObject({ auth_time: first.auth_time, sub: first.sub })
  })

  test('case 77: without a nonce in the request there is none in the token', async () => {
    expect(decodeJwt((await visit.tokens()).response.body.id_token ?? '')).not.toHaveProperty('nonce')
  })

  test('case 77: amr names a second factor where there was one, and only there', async () => {
    const strict = await startKeyward({ store })
    try {
      const app = newApp(strict.issuer)
      const page = await authorize(newBrowser(strict.issuer), app.authorizationUrl())
      const { id_token: token = '' } = (await app.redeem(app.codeFrom(page))).body
      expect(decodeJwt(token).amr).toEqual(expect.arrayContaining(['pwd', 'otp']))
    } finally {
      await strict.stop()
    }
  })

  /** Each token where another kind is meant. */
  test('case 75: an id_token is no access token, refresh token or code, and nothing that revokes one', async () => {
    expect((await introspect(keyward.issuer, idToken)).text).toBe('{"active":false}')
    for (const answer of [await visit.app.refresh(idToken), await visit.app.redeem(idToken)])
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect((await visit.app.revoke(idToken)).status).toBe(200)
    expect((await introspect(keyward.issuer, tokens.access)).body.active).toBe(true)
    const bearer = await fetch(`${keyward.issuer}/launch`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${idToken}`, 'Content-Type': 'application/json' },
      body: '{}'
    })
    expect(bearer.status).toBe(401)
  })

  test('case 75: an access token, a refresh token and a client assertion are no id_token', async () => {
    const assertion = newService(keyward.issuer, 'lab-sync', service).assertion()
    for (const token of [tokens.access, tokens.refresh, assertion]) {
      await expect(verify(token)).rejects.toThrow()
      const silent = newVisit(keyward).app.authorizationUrl({ prompt: 'none', id_token_hint: token })
      const { searchParams } = new URL((await visit.browser.send(silent)).headers.get('location') ?? '')
      expect({ token: token.slice(0, 6), error: searchParams.get('error') }).toEqual({
        token: token.slice(0, 6),
        error: 'invalid_request'
      })
    }
  })

  test('case 75: an id_token is no client assertion, and an assertion opens nothing as a bearer token', async () => {
    const form = { grant_type: 'client_credentials', scope: 'system/*.rs', ...assertionForm(idToken) }
    expect((await newService(keyward.issuer, 'lab-sync', service).post('/token', form)).body.error).toBe('invalid_client')
    const assertion = newService(keyward.issuer, 'lab-sync', service).assertion()
    expect((await introspect(keyward.issuer, assertion)).text).toBe('{"active":false}')
  })

  test('case 76: an id_token is good for its issuer, its app and its time alone', async () => {
    const { exp = 0 } = (await verify(idToken)).payload
    await expect(verify(idToken, { issuer: `${keyward.issuer}/` })).rejects.toThrow(/iss/)
    await expect(verify(idToken, { audience: 'second-app' })).rejects.toThrow(/aud/)
    await expect(verify(idToken, { currentDate: new Date((exp + 1) * 1000) })).rejects.toThrow(/exp/)
  })

  const { privateKey: foreign } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const seconds = () => Math.floor(Date.now() / 1000)

  test.each<[string, () => JWTPayload]>([
    ['another issuer', () => ({ iss: 'https://elsewhere.example' })],
    ['another audience', () => ({ aud: 'second-app' })],
    ['nbf in the future', () => ({ nbf: seconds() + 3600 })],
    ['an exp long past', () => ({ exp: seconds() - 3600 })],
    ['nothing changed, but another key', () => ({})]
  ])('case 76: a JWT with %s is neither an id_token_hint nor an access token', async (_what, change) => {
    const { kid = '' } = decodeProtectedHeader(idToken)
    const token = await new SignJWT({ ...decodeJwt(idToken), ...change() })
      .setProtectedHeader({ alg: 'RS256', kid })
      .sign(foreign)
    const silent = visit.app.authorizationUrl({ prompt: 'none', id_token_hint: token })
    const { searchParams } = new URL((await visit.browser.send(silent)).headers.get('location') ?? '')
    expect({ error: searchParams.get('error'), code: searchParams.get('code') }).toEqual({ error: 'invalid_request', code: null })
    expect((await introspect(keyward.issuer, token)).text).toBe('{"active":false}')
  })

  test.each<[string, () => Record<string, unknown>]>([
    ['another issuer', () => ({ iss: 'https://elsewhere.example' })],
    ['another audience', () => ({ aud: 'https://elsewhere.example/token' })],
    ['nbf in the future', () => ({ nbf: seconds() + 3600 })],
    ['an exp past the skew', () => ({ exp: seconds() - 120 })]
  ])('case 76: a client assertion with %s is refused, though its key is right', async (_what, change) => {
    const backend = newService(keyward.issuer, 'lab-sync', service)
    const answer = await backend.token(assertionForm(backend.assertion(change())))
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    expect((await backend.token()).status).toBe(200)
  })

  test('case 76: an id_token of the app at another Keyward is no hint here', async () => {
    const elsewhere = await startKeyward({ change: withoutSecondFactor })
    try {
      const { id_token: token = '' } = (await newVisit(elsewhere).tokens()).response.body
      const silent = visit.app.authorizationUrl({ prompt: 'none', id_token_hint: token })
      const { searchParams } = new URL((await visit.browser.send(silent)).headers.get('location') ?? '')
      expect(searchParams.get('error')).toBe('invalid_request')
    } finally {
      await elsewhere.stop()
    }
  })
})
