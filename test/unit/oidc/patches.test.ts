/** What patches.ts relies on in the engine, and what it makes of it, against the pinned release. */
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createLocalJWKSet, type JSONWebKeySet, type JWK, jwtVerify } from 'jose'
import Provider from 'oidc-provider'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openAuditTrail } from '../../../src/audit/trail.ts'
import { createClients } from '../../../src/clients/clients.ts'
import { createSessionEnds } from '../../../src/interaction/session-ends.ts'
import { createSealer } from '../../../src/keys/sealing.ts'
import { createLogger } from '../../../src/observability/logger.ts'
import { adapters } from '../../../src/oidc/adapter.ts'
import { keepContextOnGrants, nameCodes, nameRecords, replaceKeys } from '../../../src/oidc/patches.ts'
import { createProvider } from '../../../src/oidc/provider.ts'
import { authorizationCodes } from '../../../src/oidc/token/records.ts'
import { openDriver } from '../../../src/store/open-store.ts'
import { createStore } from '../../../src/store/sealed-store.ts'
import { newTaggedId, tagOf } from '../../../src/store/slot.ts'
import type { Store } from '../../../src/store/store.ts'

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

describe('names of codes', () => {
  const grantId = newTaggedId()

  function newCode(members: object): { generateTokenId(): string; save(): Promise<string> } {
    return Reflect.construct(provider.AuthorizationCode, [{ accountId: 'a', clientId: 'c', ...members }])
  }

  test('begin with kw_ac_, lie in the slot of their Grant, and have 256 random bits', () => {
    nameCodes(provider)
    const values = new Set<string>()
    for (let count = 0; count < 50; count++) {
      const value = newCode({ grantId }).generateTokenId()
      expect(value).toMatch(/^kw_ac_[\w-]{8}\.[\w-]{43}$/)
      expect(tagOf(value)).toBe(tagOf(grantId))
      values.add(value)
    }
    expect(values.size).toBe(50)
  })

  test('are what a code is stored under, with what the token endpoint reads of it', async () => {
    nameCodes(provider)
    const about = {
      grantId,
      scope: 'openid',
      redirectUri: 'https://app.example/cb',
      codeChallenge: 'x',
      nonce: 'n',
      amr: ['pwd']
    }
    const value = await newCode(about).save()
    expect(await store.get(authorizationCodes, value)).toMatchObject({
      ...about,
      jti: value,
      accountId: 'a',
      clientId: 'c',
      kind: 'AuthorizationCode',
      iat: expect.any(Number),
      exp: expect.any(Number)
    })
  })

  test('a code without a Grant is refused rather than laid into no slot', () => {
    nameCodes(provider)
    expect(() => newCode({}).generateTokenId()).toThrow('no tag')
  })

  test('other records keep the names that the engine gives them', async () => {
    nameCodes(provider)
    expect(await new provider.Session().save(60)).not.toMatch(/^kw_/)
  })

  test('an engine that no longer has generateTokenId is noticed at the start', () => {
    Object.defineProperty(provider.AuthorizationCode.prototype, 'generateTokenId', { value: undefined })
    expect(() => nameCodes(provider)).toThrow('generateTokenId')
    expect(() => nameRecords(provider.AuthorizationCode, 'kw_ac_')).toThrow('generateTokenId')
  })
})

describe('tokens', () => {
  test.each(['AccessToken', 'RefreshToken'] as const)('the engine can neither store nor find a %s', async (model) => {
    const token: { save(): Promise<string> } = Reflect.construct(provider[model], [{ accountId: 'a', clientId: 'c' }])
    await expect(token.save()).rejects.toThrow('switched off')
    await expect(Reflect.apply(provider[model].find, provider[model], ['kw_at_x'])).rejects.toThrow('switched off')
  })

  test('nor is it asked for one by POST, at its own token endpoint', async () => {
    const answers = { audit: await openAuditTrail({ store, now }), logger: createLogger({ level: 'silent' }) }
    const engine = createProvider(ISSUER, { cookies: { keys: ['x'] } }, answers)
    const server = engine.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
    const answer = await fetch(`http://127.0.0.1:${address.port}/token`, {
      method: 'POST',
      body: new URLSearchParams({ x: 'y' })
    })
    server.close()
    expect(answer.status).toBe(404)
  })

  test('the engine can neither find nor spend a code', async () => {
    const { AuthorizationCode } = provider
    await expect(AuthorizationCode.find('kw_ac_x')).rejects.toThrow('switched off')
    await expect(AuthorizationCode.adapter.consume('kw_ac_x')).rejects.toThrow('switched off')
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
