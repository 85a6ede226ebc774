/** Keyward as it is measured: src/main.ts with a configuration file, and what is put into its store beforehand. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Provider, { type AdapterFactory, type AdapterPayload } from 'oidc-provider'
import { createAccounts } from '../src/accounts/accounts.ts'
import { createPasswords } from '../src/accounts/password.ts'
import { createClients } from '../src/clients/clients.ts'
import { parseConfig } from '../src/config/read-config.ts'
import { createConsents } from '../src/consent/consents.ts'
import { createSealer } from '../src/keys/sealing.ts'
import { loadSecrets } from '../src/keys/secrets.ts'
import { adapters } from '../src/oidc/adapter.ts'
import { engineKind } from '../src/oidc/engine-records.ts'
import { keepContextOnGrants, nameRecords } from '../src/oidc/patches.ts'
import { openDriver } from '../src/store/open-store.ts'
import { createStore } from '../src/store/sealed-store.ts'
import { newTaggedId } from '../src/store/slot.ts'
import type { Store } from '../src/store/store.ts'
import { freePort } from '../test/harness/free-port.ts'
import { APP, type BenchService, FHIR_BASE, keywardYaml, newKeys, PASSWORD, PRELOADED_LIFETIME, WITH_ID_TOKEN } from './clinic.ts'
import { inParallel } from './load.ts'
import { type Seeds, seeds } from './seeds.ts'
import { startServer } from './servers.ts'
import type { Side } from './side.ts'
import type { StockSettings } from './stock-provider.ts'

export interface KeywardOptions {
  folder: string
  redisUrl: string
  jwks: StockSettings['jwks']
  services: readonly BenchService[]
}

export async function startKeyward({ folder, redisUrl, jwks, services }: KeywardOptions): Promise<Side> {
  const port = await freePort()
  const yaml = keywardYaml({ port, store: redisUrl, keys: newKeys(), services })
  const file = join(folder, `keyward-${port}.yaml`)
  writeFileSync(file, yaml, { mode: 0o600 })
  const start = (nodeOptions: string[] = []) =>
    startServer({ script: '../src/main.ts', words: ['--config', file], port, folder, ready: '/readyz', nodeOptions })
  const server = await start()
  const side: Side = {
    name: 'keyward',
    server,
    seeds: await keywardSeeds(yaml, jwks),
    paths: { authorize: '/authorize', token: '/token', introspect: '/introspect', jwks: '/jwks' },
    async restart(nodeOptions) {
      await side.server.stop()
      side.server = await start(nodeOptions)
    },
    async stop() {
      await side.seeds.close()
      await side.server.stop()
    }
  }
  return side
}

export async function keywardSeeds(yaml: string, jwks: StockSettings['jwks']): Promise<Seeds> {
  const config = parseConfig(yaml, { env: {}, baseDir: '.' })
  const { sealingKeys, lookupKey, cookieKeys } = await loadSecrets(config)
  const now = Date.now
  const driver = await openDriver(config.store, { now })
  const store = createStore({ driver, sealer: createSealer(sealingKeys), lookupKey, now })
  const clients = createClients({ configured: config.clients, issuer: config.issuer, store })
  const consents = createConsents({ store, now })
  // Ten thousand people with one password: hashed once.
  const passwords = await createPasswords()
  const passwordHash = await passwords.hash(PASSWORD)
  const accounts = createAccounts({ store, passwords: { ...passwords, hash: async () => passwordHash }, now })

  const provider = new Provider(config.issuer, {
    adapter: withTokens(
      store,
      adapters({ store, fence: { notBefore: () => 0 }, clients, sessionEnds: { isOver: async () => false }, now })
    ),
    jwks,
    cookies: { keys: cookieKeys },
    clientAuthMethods: ['none', 'client_secret_basic'],
    features: { devInteractions: { enabled: false } },
    ttl: { Grant: PRELOADED_LIFETIME * 1000 }
  })
  keepContextOnGrants(provider)
  nameRecords(provider.AuthorizationCode, 'kw_ac_')
  nameRecords(provider.AccessToken, 'kw_at_')
  nameRecords(provider.RefreshToken, 'kw_rt_')

  const people: { accountId: string; patient: string; consentId: string }[] = []
  const batch = randomBytes(4).toString('hex')
  async function person(index: number): Promise<void> {
    const patient = `${batch}-${people.length + index}`
    const name = `Person ${patient}`
    const patients = [{ id: patient, relationship: 'self', name }]
    const { sub: accountId } = await accounts.createIfAbsent({
      username: `seed-${patient}`,
      password: '',
      name,
      role: 'patient',
      people: [{ fhirServer: 'clinic', fhirUser: `Patient/${patient}`, patients }]
    })
    const key = { accountId, clientId: APP.id, fhirServer: 'clinic', patient }
    const granted = WITH_ID_TOKEN.split(' ')
    const { consentId } = await consents.decide(key, { clientName: 'Bench app', patientName: name, granted, refused: [] })
    made.push({ accountId, patient, consentId })
  }
  let made: typeof people = []

  async function newGrant(index: number, scope: string) {
    const whose = people[index % people.length]
    if (!whose) throw new Error('there are no people yet')
    const { accountId, patient, consentId } = whose
    const grant = new provider.Grant({ accountId, clientId: APP.id })
    const context = { fhirServer: 'clinic', consentId, consentPatient: patient, launchContext: { patient } }
    Object.assign(grant, { jti: newTaggedId() }, context)
    grant.addOIDCScope(scope)
    grant.addResourceScope(FHIR_BASE, scope)
    return { accountId, grantId: await grant.save() }
  }

  return {
    ...seeds({ provider, newGrant, named: true, scope: WITH_ID_TOKEN }),
    async people(count) {
      made = []
      await inParallel(count, 32, person)
      people.push(...made)
    },
    close: () => store.close()
  }
}

/** Keyward's engine writes no tokens; here its models do, in the records that Keyward makes. */
function withTokens(store: Store, engines: AdapterFactory): AdapterFactory {
  return (model) => ({
    ...engines(model),
    ...((model === 'AccessToken' || model === 'RefreshToken') && {
      upsert: (id: string, payload: AdapterPayload) =>
        store.put(engineKind(model), id, payload, { expiresAt: (payload.exp ?? 0) * 1000 })
    })
  })
}
