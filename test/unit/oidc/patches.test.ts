/** What patches.ts relies on in the engine, and what it makes of it, against the pinned release. */
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { request, type Server } from 'node:http'
import { createLocalJWKSet, type JSONWebKeySet, type JWK, jwtVerify } from 'jose'
import Koa from 'koa'
import mount from 'koa-mount'
import Provider from 'oidc-provider'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createClients } from '../../../src/clients/clients.ts'
import { createSessionEnds } from '../../../src/interaction/session-ends.ts'
import { createSealer } from '../../../src/keys/sealing.ts'
import { adapters } from '../../../src/oidc/adapter.ts'
import { keepContextOnGrants, nameTokens, replaceKeys, replayBody } from '../../../src/oidc/patches.ts'
import { openDriver } from '../../../src/store/open-store.ts'
import { createStore } from '../../../src/store/sealed-store.ts'
import { newTaggedId, tagOf } from '../../../src/store/slot.ts'
import type { Store } from '../../../src/store/store.ts'
import { readBody } from '../../../src/web/body.ts'

const ISSUER = 'http://localhost:9000'
const CONTEXT = {
  fhirServer: 'clinic',
  launchContext: { patient: 'leo', encounter: 'e-1' },
  consentId: 'consent-1',
  consentPatient: 'leo'
}

const now = (): number => Date.now()
let store: Store
let provider: Provider
beforeEach(async () => {
  const driver = await openDriver('sqlite::memory:', { now })
  const sealer = createSealer([{ id: 1, key: new Uint8Array(32).fill(1) }])
  store = createStore({ driver, sealer, lookupKey: new Uint8Array(32).fill(2), now })
  const clients = createClients({ configured: [], issuer: ISSUER, store })
  const configuration = {
    adapter: adapters({
      store,
      fence: driver.fence,
      clients,
      sessionEnds: createSessionEnds({ store, lifetime: 3600, now }),
      now
    }),
    cookies: { keys: ['only for tests'] },
    ttl: { Grant: 600, AccessToken: 60, RefreshToken: 600, AuthorizationCode: 60 },
    features: { devInteractions: { enabled: false } }
  }
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  vi.spyOn(console, 'info').mockImplementation(() => undefined)
  provider = new Provider(ISSUER, configuration)
})
afterEach(async () => {
  vi.restoreAllMocks()
  await store.close()
})

describe('context on Grants', () => {
  const newGrant = () => Object.assign(new provider.Grant({ accountId: 'a', clientId: 'c' }), { jti: newTaggedId() }, CONTEXT)

  test('is kept, and found again, with everything that the engine keeps', async () => {
    keepContextOnGrants(provider)
    const grant = newGrant()
    grant.addOIDCScope('openid')
    grant.addResourceScope('http://fhir', 'patient/*.rs')
    const found = await provider.Grant.find(await grant.save())
    expect(found).toMatchObject({ ...CONTEXT, accountId: 'a', clientId: 'c', openid: { scope: 'openid' } })
    expect(found?.getResourceScope('http://fhir')).toBe('patient/*.rs')
    expect(found?.exp).toBeGreaterThan(now() / 1000)
  })

  test('would be lost without the patch: this is what it is for', async () => {
    const found = await provider.Grant.find(await newGrant().save())
    expect(found).toMatchObject({ accountId: 'a' })
    for (const member of Object.keys(CONTEXT)) expect(found).not.toHaveProperty(member)
  })

  test('is kept on Grants alone, and of one engine alone', () => {
    const other = new Provider(ISSUER, { cookies: { keys: ['x'] }, features: { devInteractions: { enabled: false } } })
    keepContextOnGrants(provider)
    for (const model of [
      provider.AccessToken,
      provider.RefreshToken,
      provider.AuthorizationCode,
      provider.Session,
      other.Grant
    ]) {
      expect(Reflect.get(model, 'IN_PAYLOAD')).toEqual(expect.not.arrayContaining(['fhirServer', 'launchContext', 'consentId']))
    }
    expect(Reflect.get(provider.Grant, 'IN_PAYLOAD')).toEqual(
      expect.arrayContaining([...Object.keys(CONTEXT), 'accountId', 'exp'])
    )
  })

  test('an engine that no longer has IN_PAYLOAD is noticed at the start', () => {
    Object.defineProperty(provider.Grant, 'IN_PAYLOAD', { value: undefined })
    expect(() => keepContextOnGrants(provider)).toThrow('IN_PAYLOAD')
  })
})

interface Token {
  generateTokenId(): string
  save(): Promise<string>
}

describe('names of tokens', () => {
  const grantId = newTaggedId()

  function newToken(model: 'AccessToken' | 'RefreshToken' | 'AuthorizationCode', members: object): Token {
    const token: Token = Reflect.construct(provider[model], [members])
    return token
  }

  const kinds = [
    ['AccessToken', 'kw_at_'],
    ['RefreshToken', 'kw_rt_'],
    ['AuthorizationCode', 'kw_ac_']
  ] as const

  test.each(kinds)('%s begins with %s, lies in the slot of its Grant, and has 256 random bits', async (model, prefix) => {
    nameTokens(provider)
    const values = new Set<string>()
    for (let count = 0; count < 50; count++) {
      const value = newToken(model, { accountId: 'a', clientId: 'c', grantId }).generateTokenId()
      expect(value).toMatch(new RegExp(`^${prefix}[\\w-]{8}\\.[\\w-]{43}$`))
      expect(tagOf(value)).toBe(tagOf(grantId))
      values.add(value)
    }
    expect(values.size).toBe(50)
  })

  test.each(kinds)('%s is opaque, and is found by its name', async (model) => {
    nameTokens(provider)
    const value = await newToken(model, { accountId: 'a', clientId: 'c', grantId, scope: 'openid' }).save()
    expect(value.split('.')).toHaveLength(2)
    const found: unknown = await Reflect.apply(provider[model].find, provider[model], [value])
    expect(found).toMatchObject({ jti: value, accountId: 'a', grantId, scope: 'openid', kind: model })
  })

  test.each(kinds)('%s without a Grant is refused rather than laid into no slot', (model) => {
    nameTokens(provider)
    expect(() => newToken(model, { accountId: 'a', clientId: 'c' }).generateTokenId()).toThrow('no tag')
  })

  test('other records keep the names that the engine gives them', async () => {
    nameTokens(provider)
    expect(await new provider.Session().save(60)).not.toMatch(/^kw_/)
  })

  test('an engine that no longer has generateTokenId is noticed at the start', () => {
    Object.defineProperty(provider.AccessToken.prototype, 'generateTokenId', { value: undefined })
    expect(() => nameTokens(provider)).toThrow('generateTokenId')
  })
})

describe('keys that replace those of a running engine', () => {
  const newJwk = (kid: string): JWK => ({
    ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
    kid,
    use: 'sig',
    alg: 'RS256'
  })
  const [first, second] = [newJwk('first'), newJwk('second')]

  async function signed(): Promise<string> {
    const client = Reflect.construct(provider.Client, [
      { client_id: 'c', redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: 'none' }
    ])
    const token = Reflect.construct(Reflect.get(provider, 'IdToken'), [{ sub: 'a' }, { client }])
    return token.issue({ use: 'idtoken', expiresAt: Math.floor(now() / 1000) + 60 })
  }
  async function published(): Promise<JSONWebKeySet> {
    const server = provider.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
    const answer = await fetch(`http://127.0.0.1:${address.port}/jwks`)
    server.close()
    return JSON.parse(await answer.text())
  }

  test('case 78: are published without their private halves, and the first signs', async () => {
    for (const keys of [[first, second], [second, first], [second]]) {
      replaceKeys(provider, { keys })
      const jwks = await published()
      expect(jwks.keys.map(({ kid }) => kid)).toEqual(keys.map(({ kid }) => kid))
      for (const jwk of jwks.keys) for (const half of ['d', 'p', 'q', 'dp', 'dq', 'qi']) expect(jwk).not.toHaveProperty(half)
      const { protectedHeader } = await jwtVerify(await signed(), createLocalJWKSet(jwks))
      expect(protectedHeader.kid).toBe(keys[0]?.kid)
    }
  })

  test('that the engine can not use leave it with those it had', async () => {
    replaceKeys(provider, { keys: [first] })
    expect(() => replaceKeys(provider, { keys: [second, { kty: 'RSA', kid: 'half' }] })).toThrow()
    expect((await published()).keys.map(({ kid }) => kid)).toEqual(['first'])
    expect((await jwtVerify(await signed(), createLocalJWKSet(await published()))).protectedHeader.kid).toBe('first')
  })
})

describe('a body that was read before the engine', () => {
  let server: Server
  let seen: unknown
  /** What is handed to the engine of what was read; undefined: nothing. */
  let replayed: (body: Buffer) => Buffer | undefined
  beforeEach(async () => {
    seen = undefined
    replayed = (body) => body
    const koa = new Koa()
    koa.use(async (ctx, next) => {
      const body = replayed(await readBody(ctx))
      if (body) replayBody(ctx.req, body)
      await next()
    })
    provider.use(async (ctx, next) => {
      await next()
      seen = { body: ctx.oidc?.body, length: ctx.request.length, error: Reflect.get(Object(ctx.body), 'error') }
    })
    koa.use(mount('/', provider))
    server = koa.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(() => {
    server.close()
    server.closeAllConnections()
  })

  async function post(body: string, headers: Record<string, string> = {}): Promise<void> {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
    const sent = request({
      port: address.port,
      host: '127.0.0.1',
      path: '/token',
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers }
    })
    sent.end(body)
    const [answer] = await once(sent, 'response')
    answer.resume()
    await once(answer, 'end')
  }

  test.each([
    ['as it came', 'grant_type=x&client_id=y', { grant_type: 'x', client_id: 'y' }],
    ['with letters of more than one byte', 'grant_type=caf%C3%A9&x=é', { grant_type: 'café', x: 'é' }],
    ['with a doubled member', 'grant_type=x&grant_type=y', { grant_type: ['x', 'y'] }],
    ['empty', '', {}]
  ])('reaches it %s, with its own length', async (_, body, parsed) => {
    await post(body, { 'Content-Length': String(Buffer.byteLength(body)) })
    expect(seen).toMatchObject({ body: parsed, length: Buffer.byteLength(body) })
  })

  test.each([
    ['longer', (body: Buffer) => Buffer.concat([body, Buffer.from('&client_id=heart-app')])],
    ['shorter', (body: Buffer) => body.subarray(0, 12)]
  ])('reaches it changed, %s than Content-Length said', async (_, change) => {
    replayed = change
    const body = 'grant_type=x&refresh_token=y'
    await post(body, { 'Content-Length': String(body.length) })
    const length = change(Buffer.from(body)).length
    expect(seen).toMatchObject({ length, body: { grant_type: 'x' } })
  })

  test('reaches it where it came in chunks, without a length', async () => {
    await post('grant_type=x&client_id=y', { 'Transfer-Encoding': 'chunked' })
    expect(seen).toMatchObject({ body: { grant_type: 'x', client_id: 'y' }, length: 24 })
  })

  test('makes the engine warn of nothing; read and not replayed, it would', async () => {
    vi.mocked(console.warn).mockClear()
    await post('grant_type=x&client_id=y')
    expect(console.warn).not.toHaveBeenCalled()
    expect(seen).toMatchObject({ body: { grant_type: 'x' } })
    replayed = () => undefined
    await post('grant_type=x&client_id=y')
    expect(console.warn).toHaveBeenCalledWith(expect.stringContaining('already parsed request body'))
  })
})
