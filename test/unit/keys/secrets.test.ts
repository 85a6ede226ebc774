import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Config } from '../../../src/config/config.ts'
import { createSealer } from '../../../src/keys/sealing.ts'
import { checkSealing, loadSecrets, type Secrets } from '../../../src/keys/secrets.ts'
import { openDriver } from '../../../src/store/open-store.ts'
import { createStore } from '../../../src/store/sealed-store.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyward-secrets-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function configOf(members: Partial<Config>): Config {
  return {
    demo: true,
    issuer: 'http://localhost:9000',
    listen: { host: '127.0.0.1', port: 9000, trustedProxies: [], tls: null, drainDelay: 5 },
    store: `sqlite:${join(folder, 'new', 'keyward.db')}`,
    organization: { name: 'Clinic', supportPhone: '', accentColor: '#000000' },
    secondFactor: { patients: 'required', clinicians: 'required', developers: 'required' },
    registration: { enabled: false, perDay: 100 },
    consent: { startTicked: 'requested' },
    lifetimes: {
      authorizationCode: 60,
      accessToken: 900,
      backendAccessToken: 300,
      refreshToken: 86400,
      refreshRetry: 10,
      session: 3600,
      idle: 1800
    },
    limits: {
      window: 600,
      passwordsPerAccount: 10,
      codesPerAccount: 5,
      signInsPerAddress: 50,
      authorizationsPerAddress: 50,
      refusalsPerAddress: 50,
      refusalsPerClient: 50,
      searchesPerAccount: 50
    },
    log: { level: 'silent' },
    outbound: { allowedHosts: [] },
    fhirServers: [],
    clients: [],
    accounts: [],
    ...members
  }
}

describe('secrets of the demo', () => {
  test('are made once, for the owner only, however many start at the same time', async () => {
    const [first, ...others] = await Promise.all(Array.from({ length: 8 }, () => loadSecrets(configOf({}))))
    for (const other of others) expect(other).toEqual(first)
    expect(await loadSecrets(configOf({}))).toEqual(first)
    expect(readdirSync(join(folder, 'new'))).toEqual(['demo-secrets.json'])
    expect(statSync(join(folder, 'new', 'demo-secrets.json')).mode & 0o777).toBe(0o600)
  })

  test('are new for each store in memory', async () => {
    const config = configOf({ store: 'sqlite::memory:' })
    expect(await loadSecrets(config)).not.toEqual(await loadSecrets(config))
  })

  test.each(['{', '{}', '{"sealingKeys":[],"lookupKey":1,"cookieKeys":[]}'])(
    'are not made anew over a file that is damaged: %s',
    async (content) => {
      const config = configOf({ store: `sqlite:${join(folder, 'keyward.db')}` })
      writeFileSync(join(folder, 'demo-secrets.json'), content)
      await expect(loadSecrets(config)).rejects.toThrow("demo-secrets.json can't be read")
    }
  )
})

describe('configured secrets', () => {
  const secret = randomBytes(32)
  const configured = (text: string, lookupKey = text) =>
    configOf({
      demo: false,
      secrets: { sealingKeys: [{ id: 7, key: text }], lookupKey, cookieKeys: [secret.toString('base64url')] }
    })

  test('are the same in every encoding, and one value gives different keys for different purposes', async () => {
    const [base64url, base64, hex] = await Promise.all(
      (['base64url', 'base64', 'hex'] as const).map((encoding) => loadSecrets(configured(secret.toString(encoding))))
    )
    expect(base64).toEqual(base64url)
    expect(hex).toEqual(base64url)
    expect(hex?.sealingKeys[0]?.id).toBe(7)
    expect(hex?.sealingKeys[0]?.key).not.toEqual(hex?.lookupKey)
  })

  test.each(['', 'short', 'changeme'.repeat(3), 'not encoded, but long enough to be 32 bytes!', randomBytes(31).toString('hex')])(
    'as weak as "%s" are refused, by name and without repeating them',
    async (text) => {
      const refusal = await loadSecrets(configured(text)).catch((problem: Error) => problem.message)
      expect(refusal).toContain('secrets.sealingKeys[0].key')
      if (text) expect(refusal).not.toContain(text)
      await expect(loadSecrets(configured(secret.toString('hex'), text))).rejects.toThrow('secrets.lookupKey')
    }
  )

  test('are needed in production', async () => {
    await expect(loadSecrets(configOf({ demo: false }))).rejects.toThrow('must be configured')
  })
})

describe('a store at start', () => {
  const fresh = (): Secrets => ({ sealingKeys: [{ id: 1, key: randomBytes(32) }], lookupKey: randomBytes(32), cookieKeys: [] })

  async function openAs({ sealingKeys, lookupKey }: Secrets) {
    const driver = await openDriver(`sqlite:${join(folder, 'keyward.db')}`, { now: Date.now })
    return createStore({ driver, sealer: createSealer(sealingKeys), lookupKey, now: Date.now })
  }

  async function check(secrets: Secrets) {
    const store = await openAs(secrets)
    await checkSealing(store, secrets).finally(() => store.close())
  }

  test('is refused with another sealing key or another lookup key', async () => {
    const secrets = fresh()
    await check(secrets)
    await check(secrets)
    await expect(check({ ...secrets, sealingKeys: fresh().sealingKeys })).rejects.toThrow(
      'the sealing key does not open this store'
    )
    await expect(check({ ...secrets, lookupKey: randomBytes(32) })).rejects.toThrow('lookup key')
    await check({ ...secrets, sealingKeys: [{ id: 2, key: randomBytes(32) }, ...secrets.sealingKeys] })
  })
})
