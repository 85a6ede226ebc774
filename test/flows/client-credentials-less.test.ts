/** What becomes of a backend service, and of its tokens, when its registration changes or the store is away. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClientConfig } from '../../src/config/config.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import { introspect } from '../harness/app-client.ts'
import { assertionForm, newClientKey, newService, serviceConfig } from '../harness/backend-client.ts'
import { newSecrets, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import type { RedisServer } from '../harness/redis-server.ts'
import { startRedisOf } from '../harness/shared-redis.ts'

const rsa = newClientKey('RS384')

describe.each(STORES)('a backend service that is given less, on %s', (store) => {
  const secrets = newSecrets()
  let redis: RedisServer | undefined
  let folder: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyward-service-'))
    redis = await startRedisOf(store)
  })
  afterAll(async () => {
    await redis?.stop()
    rmSync(folder, { recursive: true })
  })
  const start = (changed: Partial<ClientConfig>) =>
    startKeyward({
      store,
      secrets,
      storeUrl: `sqlite:${join(folder, 'keyward.db')}`,
      ...(redis ? { redis } : {}),
      change: (config) => ({ ...config, clients: [...config.clients, serviceConfig('bulk', rsa, changed)] })
    })

  test.each<[string, Partial<ClientConfig>, string | undefined]>([
    ['disabled', { disabled: true }, undefined],
    ['of fewer scopes', { smart_scope: 'system/Patient.rs' }, 'system/Patient.rs'],
    ['of no scopes', { smart_scope: '' }, undefined],
    ['of another FHIR server', { fhir_servers: ['other'] }, undefined],
    ['without the grant type', { grant_types: [] }, undefined],
    [
      'with a secret',
      { token_endpoint_auth_method: 'client_secret_basic', client_secret: 'a secret', jwks: undefined },
      undefined
    ]
  ])('%s: its tokens are worth that at once', async (_how, changed, left) => {
    const before = await start({})
    expect(await storeOf(before.issuer)).toBe(store)
    const { body } = await newService(before.issuer, 'bulk', rsa).token()
    expect((await introspect(before.issuer, String(body.access_token))).body).toMatchObject({ scope: 'system/*.rs' })
    await before.stop()
    const after = await start(changed)
    const { body: told, text } = await introspect(after.issuer, String(body.access_token))
    if (left === undefined) expect(text).toBe('{"active":false}')
    else expect(told).toMatchObject({ active: true, scope: left })
    await after.stop()
  })
})

describe('where the store is away', () => {
  test('no assertion is accepted that could not be marked as used: 503, and no token', async () => {
    let away = false
    const keyward = await startKeyward({
      change: (config) => ({ ...config, clients: [...config.clients, serviceConfig('bulk', rsa)] }),
      wrapStore: (inner) => ({
        ...inner,
        create(kind, ...rest) {
          if (away && kind.name === 'client-assertion') throw new StoreUnavailable('away')
          return inner.create(kind, ...rest)
        }
      })
    })
    const bulk = newService(keyward.issuer, 'bulk', rsa)
    away = true
    const answer = await fetch(`${keyward.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'system/*.rs',
        ...assertionForm(bulk.assertion())
      })
    })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBeTruthy()
    expect(await answer.text()).not.toContain('access_token')
    away = false
    expect(await bulk.token()).toMatchObject({ status: 200 })
    await keyward.stop()
  })

  test('no token leaves that the audit trail could not be told of', async () => {
    let isFull = false
    const keyward = await startKeyward({
      change: (config) => ({ ...config, clients: [...config.clients, serviceConfig('bulk', rsa)] }),
      wrapStore: (inner) => ({
        ...inner,
        commit: (writes) =>
          isFull && writes.some(({ kind }) => kind.name.startsWith('audit'))
            ? Promise.reject(new StoreUnavailable('full'))
            : inner.commit(writes)
      })
    })
    const bulk = newService(keyward.issuer, 'bulk', rsa)
    isFull = true
    const answer = await bulk.token()
    expect(answer.status).toBe(503)
    expect(answer.text).not.toContain('kw_at_')
    isFull = false
    expect(await bulk.token()).toMatchObject({ status: 200 })
    await keyward.stop()
  })
})
