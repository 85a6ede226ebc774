/** The sample clinic's accounts, clients and launches on a store of their own, without a server. */
import { randomBytes } from 'node:crypto'
import { createAccounts } from '../../../src/accounts/accounts.ts'
import { createPasswords } from '../../../src/accounts/password.ts'
import { createClients } from '../../../src/clients/clients.ts'
import type { FhirServer, Role } from '../../../src/config/config.ts'
import { parseConfig } from '../../../src/config/read-config.ts'
import { createSealer } from '../../../src/keys/sealing.ts'
import { type Authorization, type Authorizations, createAuthorizations } from '../../../src/smart/authorization.ts'
import { createLaunches, type Launches } from '../../../src/smart/launch.ts'
import { createFence, type RaisableFence } from '../../../src/store/fence.ts'
import { openDriver } from '../../../src/store/open-store.ts'
import { createStore } from '../../../src/store/sealed-store.ts'
import { clinicYaml, FHIR_BASE } from '../../harness/clinic-config.ts'

export type Picked = NonNullable<Parameters<Authorizations['describe']>[0]['picked']>

export interface Place {
  clock: { now: number }
  launches: Launches
  fence: RaisableFence
  /** What a request, with these parameters besides the usual ones, is about for somebody, in another role than theirs if one is given. */
  describeFor(
    username: string,
    params: Record<string, unknown>,
    picked?: string | Picked,
    role?: Role
  ): Promise<Authorization | undefined>
}

/** `changes` are to its FHIR servers. */
export async function createPlace(changes: Partial<FhirServer> = {}): Promise<Place> {
  const clock = { now: 1_800_000_000_000 }
  const now = () => clock.now
  const driver = await openDriver('sqlite::memory:', { now })
  const store = createStore({ driver, sealer: createSealer([{ id: 1, key: randomBytes(32) }]), lookupKey: randomBytes(32), now })
  const config = parseConfig(clinicYaml({ port: 9000 }), { env: {}, baseDir: '.' })
  const { issuer } = config
  const fhirServers = config.fhirServers.map((server) => ({ ...server, ...changes }))
  const passwords = await createPasswords({ cost: { memoryCost: 1024, timeCost: 2, parallelism: 1 } })
  const accounts = createAccounts({ store, passwords, now })
  const clients = createClients({ configured: config.clients, issuer, store })
  const fence = createFence()
  const launches = createLaunches({ store, fence, now })
  const authorizations = createAuthorizations({ accounts, clients, launches, fhirServers })
  return {
    clock,
    fence,
    launches,
    async describeFor(username, params, given, role) {
      const account = config.accounts.find((one) => one.username === username)
      const accountId = account ? (await accounts.createIfAbsent({ ...account, role: role ?? account.role })).sub : 'nobody'
      const usual = { client_id: 'heart-app', aud: FHIR_BASE, code_challenge: 'challenge' }
      const picked = typeof given === 'string' ? { patient: { id: given } } : (given ?? {})
      return authorizations.describe({ params: { ...usual, ...params }, accountId, picked })
    }
  }
}
