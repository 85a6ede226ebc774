import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createSealer } from '../../src/keys/sealing.ts'
import { openDriver } from '../../src/store/open-store.ts'
import { createStore } from '../../src/store/sealed-store.ts'
import { newIdBeside, newTaggedId } from '../../src/store/slot.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import { freePort } from '../harness/free-port.ts'
import { type RedisServer, startRedis } from '../harness/redis-server.ts'
import { storeContract } from './contract.ts'
import { lookupKey, movableClock, newId, newKind, openOn, sealingKey } from './engine.ts'
import { redisEngine } from './redis-engine.ts'

storeContract('redis', async () => engineOnServer(await startRedis()))

// A server in cluster mode refuses each command whose keys lie in two slots, also where it holds all slots itself.
storeContract('redis with checked slots', async () => {
  const server = await startRedis({ arguments: ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())] })
  const client = new Redis(server.url)
  await client.cluster('ADDSLOTSRANGE', '0', '16383')
  await vi.waitUntil(async () => String(await client.cluster('INFO')).includes('cluster_state:ok'), { timeout: 10_000 })
  await client.quit()
  return engineOnServer(server)
})

const engineOnServer = (server: RedisServer) => redisEngine({ url: server.url, nodes: [server], stop: () => server.stop() })

describe('redis driver', () => {
  let server: RedisServer
  let client: Redis

  beforeAll(async () => {
    // Else a server that is killed may lose its last second.
    server = await startRedis({ arguments: ['--appendfsync', 'always'] })
    client = new Redis(server.url)
    client.on('error', () => undefined)
  })
  afterAll(async () => {
    client?.disconnect()
    await server?.stop()
  })

  test('throws StoreUnavailable within a second where Redis hangs, and goes on where it answers again', async () => {
    const store = await openOn(server.url)
    server.pause()
    const before = performance.now()
    await expect(store.get(newKind(), 'x')).rejects.toThrow(StoreUnavailable)
    expect(performance.now() - before).toBeLessThan(1000)
    server.resume()
    await store.check()
    await store.close()
  })

  test('opens where Redis is away, throws at once, and goes on when it is there; what was written stays', async () => {
    const [kind, id] = [newKind<string>(), newId()]
    const store = await openOn(server.url)
    await store.put(kind, id, 'kept')
    await server.kill()
    const late = await openOn(server.url)
    await expect(late.check()).rejects.toThrow(StoreUnavailable)
    await expect(store.get(kind, id)).rejects.toThrow(StoreUnavailable)
    await server.restart()
    await expect
      .poll(
        () =>
          late.check().then(
            () => 'there',
            () => 'away'
          ),
        { timeout: 5000 }
      )
      .toBe('there')
    await expect.poll(() => store.get(kind, id).catch(() => 'away'), { timeout: 5000 }).toBe('kept')
    await Promise.all([store.close(), late.close()])
  })

  test('sends no command twice: a commit cut off is reported, not repeated', async () => {
    const [kind, id] = [newKind<number>(), newId()]
    const store = await openOn(server.url)
    server.pause()
    const cutOff = store.increment(kind, id, 60_000)
    const refused = expect(cutOff).rejects.toThrow(StoreUnavailable)
    await new Promise(setImmediate)
    await server.kill()
    await server.restart()
    await refused
    await expect.poll(() => store.count(kind, id).catch(() => 'away'), { timeout: 5000 }).toBe(0)
    await store.close()
  })

  test('knows scripts again after Redis has forgotten them', async () => {
    const store = await openOn(server.url)
    const [kind, id] = [newKind<number>(), newId()]
    await store.increment(kind, id, 60_000)
    await client.script('FLUSH')
    expect(await store.increment(kind, id, 60_000)).toBe(2)
    await store.close()
  })

  test('gives every record, counter and index that ends to Redis for collection', async () => {
    const store = await openOn(server.url)
    const kind = newKind<number>()
    const expiresAt = Date.now() + 60_000
    await store.put(kind, newId(), 1, { expiresAt, indexes: { owner: 'maria' } })
    await store.create(kind, newId(), 1, { expiresAt, indexes: { owner: 'maria' } })
    await store.increment(kind, newId(), 60_000)
    const keys = await client.keys(`*${kind.name}*`)
    expect(keys).toHaveLength(4)
    for (const key of keys) {
      const life = await client.pttl(key)
      expect(life).toBeGreaterThan(50_000)
      expect(life).toBeLessThan(70_000)
    }
    await store.put(kind, newId(), 1, { indexes: { owner: 'maria' } })
    const [index = ''] = await client.keys(`*:idx:${kind.name}:*`)
    expect(await client.pttl(index)).toBe(-1)
    await store.close()
  })

  test('an access token and its Grant take no more memory than docs/operators.md says', async () => {
    const store = await openOn(server.url)
    const scope = 'openid fhirUser offline_access launch/patient patient/Patient.rs patient/Observation.rs patient/Condition.rs'
    const [accountId, patient, grantId] = [newId(), newId(), newTaggedId()]
    const at = { iat: 1_790_000_000, exp: 1_790_000_900, accountId, clientId: 'app', scope }
    const fhir = 'https://fhir.example.org/r4'
    const token = { ...at, kind: 'AccessToken', grantId, gty: 'authorization_code', aud: fhir, sessionUid: newId() }
    const consent = { fhirServer: 'clinic', launchContext: { patient }, consentId: newId(), consentPatient: patient }
    const grant = { ...at, kind: 'Grant', jti: grantId, openid: { scope }, resources: { [fhir]: scope }, ...consent }
    const id = newIdBeside(grantId, 'kw_at_')
    const before = await client.keys('*')
    const options = { expiresAt: Date.now() + 60_000 }
    await store.put({ name: 'AccessToken' }, id, { ...token, jti: id }, options)
    await store.put({ name: 'Grant' }, grantId, grant, options)
    const keys = (await client.keys('*')).filter((key) => !before.includes(key))
    expect(keys).toHaveLength(2)
    const sizes = await Promise.all(keys.map((key) => client.memory('USAGE', key)))
    // Beside this the server keeps when each ends, and its own tables.
    expect(sizes.reduce((sum: number, size) => sum + (size ?? 0), 0)).toBeLessThan(1201)
    await store.close()
  })

  test('sweeps index entries whose record is gone, and those that have ended', async () => {
    const clock = movableClock()
    const store = await openOn(server.url, clock.now)
    const kind = newKind<number>()
    const owned = { indexes: { owner: 'maria' } }
    const gone = newId()
    await store.put(kind, gone, 1, owned)
    await store.put(kind, newId(), 2, { ...owned, expiresAt: clock.now() + 60_000 })
    await store.put(kind, newId(), 3, owned)
    await store.delete(kind, gone)
    clock.move(62_000)
    const [index = ''] = await client.keys(`*:idx:${kind.name}:*`)
    expect(await client.zcard(index)).toBe(3)
    await store.list(kind, { name: 'owner', value: 'maria' }, { limit: 10 })
    expect(await client.zcard(index)).toBe(1)
    await store.close()
  })

  test('refuses the data of a release that it does not know', async () => {
    await client.set('kw:schema', '99')
    await expect(openDriver(server.url, { now: Date.now })).rejects.toThrow('schema version 99')
    await client.set('kw:schema', '1')
  })

  test('an index pages through records that end at the same moment', async () => {
    const store = await openOn(server.url)
    const kind = newKind<number>()
    const expiresAt = Date.now() + 60_000
    await Promise.all(
      Array.from({ length: 200 }, (_, i) => store.put(kind, newId(), i, { expiresAt, indexes: { owner: 'maria' } }))
    )
    const seen: number[] = []
    let after: string | undefined
    do {
      const page = await store.list(kind, { name: 'owner', value: 'maria' }, { limit: 3, ...(after !== undefined && { after }) })
      seen.push(...page.records)
      after = page.next
    } while (after !== undefined)
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i))
    await store.close()
  })

  test('tells where redis-server is missing', async () => {
    const path = process.env.PATH
    process.env.PATH = '/nonexistent'
    await expect(
      startRedis().finally(() => {
        process.env.PATH = path
      })
    ).rejects.toThrow('redis-server is not installed')
  })
})

test('a store opened with another sealing key opens no record', async () => {
  const server = await startRedis()
  const [kind, id] = [newKind<string>(), newId()]
  const store = await openOn(server.url)
  await store.put(kind, id, 'sealed')
  const driver = await openDriver(server.url, { now: Date.now })
  const other = createStore({
    driver,
    sealer: createSealer([{ id: 1, key: sealingKey.map((byte) => byte ^ 1) }]),
    lookupKey,
    now: Date.now
  })
  await expect(other.get(kind, id)).rejects.toMatchObject({ name: 'RecordUnreadable' })
  await Promise.all([store.close(), other.close()])
  await server.stop()
})
