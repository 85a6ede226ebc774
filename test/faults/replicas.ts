/** Two Keywards behind one name: processes of their own, on one Redis or one SQLite file, with the same issuer and secrets. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { ClientConfig } from '../../src/config/config.ts'
import { readConfig } from '../../src/config/read-config.ts'
import { createSealer } from '../../src/keys/sealing.ts'
import { loadSecrets } from '../../src/keys/secrets.ts'
import { openDriver } from '../../src/store/open-store.ts'
import { createStore } from '../../src/store/sealed-store.ts'
import type { Store } from '../../src/store/store.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import type { StoreName } from '../harness/keyward.ts'
import { type KeywardProcess, startProcess } from '../harness/keyward-process.ts'

export interface Racer {
  username: string
  totp: string
}

const REGISTRATION = 'registration: { enabled: true, perDay: 1000000 }\n'
const CLI = resolve(import.meta.dirname, '../../src/cli.ts')

/** What these tests look at of an audit record. */
export interface Audited {
  source: { requestId: string }
  event: { type: string; outcome: string; consentId?: string }
}

export interface Replicas {
  issuer: string
  first: KeywardProcess
  second: KeywardProcess
  ports: [number, number]
  /** Of the audit trail what it says of tokens and consents; throws where it is not intact. */
  audit(): Promise<Audited[]>
  /** Reads what both have stored, from outside. */
  look<T>(read: (store: Store) => Promise<T>): Promise<T>
  /** The requests to which the audit trail says that tokens were issued. */
  issued(): Promise<Set<string>>
  stop(): Promise<void>
}

interface ReplicasOptions {
  racers?: readonly Racer[]
  /** Names of accounts without a second factor, for patients who have to have one. */
  newcomers?: readonly string[]
  /** Whether apps may register themselves. */
  registration?: boolean
  services?: readonly ClientConfig[]
  /** The setting of this name. */
  refreshRetry?: string
  drainDelay?: string
  /** A module that runs in both processes before Keyward does; and one that does in the second in its place. */
  preload?: string
  secondPreload?: string
  /** What both are called where something stands before them; else what the first is. */
  issuer?: string
  /** The setting secondFactor.patients. */
  patientsSecondFactor?: 'required' | 'off'
}

export async function startReplicas(store: StoreName, options: ReplicasOptions = {}): Promise<Replicas> {
  const {
    racers = [],
    newcomers = [],
    registration = false,
    services = [],
    refreshRetry = '0s',
    drainDelay = '0s',
    preload,
    secondPreload = preload,
    patientsSecondFactor = 'required'
  } = options
  const before = preload === undefined ? {} : { preload }
  const key = () => randomBytes(32).toString('base64url')
  const secrets = { sealingKeys: [{ id: 1, key: key() }], lookupKey: key(), cookieKeys: [key()] }
  const clinic = (yaml: string) =>
    yaml
      .replace('patients: required, clinicians: required', `patients: "${patientsSecondFactor}", clinicians: "off"`)
      .replace(/^issuer: .*$/m, (line) => (options.issuer === undefined ? line : `issuer: ${options.issuer}`))
      .replace('drainDelay: 0s', `drainDelay: ${drainDelay}`)
      .replace('refreshToken: 93d', `refreshToken: 93d, refreshRetry: ${refreshRetry}`)
      .replace('signInsPerAddress: 10000', 'signInsPerAddress: 10000000, codesPerAccount: 10000000')
      .replace('clients:\n', `clients:\n${services.map((service) => `  - ${JSON.stringify(service)}\n`).join('')}`)
      .replace(
        'accounts:\n',
        `secrets: ${JSON.stringify(secrets)}\nlog: { level: warn }\naccounts:\n${[...racers, ...newcomers.map((username) => ({ username }))].map(accountOf).join('')}`
      )
      .concat(registration ? REGISTRATION : '')
  const first = await startProcess({ store, change: clinic, ...before })
  const issuer = options.issuer ?? first.issuer
  const url = first.redis?.url ?? `sqlite:${first.database}`
  const second = await startProcess({
    ...(secondPreload === undefined ? {} : { preload: secondPreload }),
    change: (yaml) =>
      clinic(yaml)
        .replace(/^issuer: .*$/m, `issuer: ${issuer}`)
        .replace(/^store: .*$/m, `store: "${url}"`)
  }).catch(async (problem) => {
    await first.stop()
    throw problem
  })
  return {
    issuer,
    first,
    second,
    ports: [first.port, second.port],
    audit,
    async look(read) {
      const { sealingKeys, lookupKey } = await loadSecrets(readConfig(first.configFile, {}))
      const driver = await openDriver(url, { now: Date.now })
      const store = createStore({ driver, sealer: createSealer(sealingKeys), lookupKey, now: Date.now })
      return read(store).finally(() => store.close())
    },
    issued: async () => issuedIn(await audit()),
    async stop() {
      await second.stop()
      await first.stop()
    }
  }

  async function audit(): Promise<Audited[]> {
    const verified = await first.cli('audit', 'verify')
    if (verified.code !== 0) throw new Error(`the audit trail is not intact: ${verified.stdout}${verified.stderr}`)
    const records: Audited[] = []
    // Line by line, and only what is looked at: after ten thousand rounds the whole trail fits into no string.
    for await (const line of exported(first)) {
      const { source, event }: Audited = JSON.parse(line)
      if (event.type === 'token' || event.type === 'consent') records.push({ source, event })
    }
    return records
  }
}

async function* exported({ folder, configFile }: KeywardProcess): AsyncGenerator<string> {
  const child = spawn(process.execPath, [CLI, 'audit', 'export', '--config', configFile], {
    cwd: folder,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const ended = once(child, 'close')
  yield* createInterface({ input: child.stdout })
  const [code] = await ended
  if (code !== 0) throw new Error('the audit trail can not be exported')
}

/** Of audit records, those of tokens that were issued: their requests. */
export function issuedIn(records: readonly Audited[]): Set<string> {
  const tokens = records.filter(({ event }) => event.type === 'token' && event.outcome === 'issued')
  return new Set(tokens.map(({ source }) => source.requestId))
}

function accountOf({ username, totp }: { username: string; totp?: string }): string {
  const person = `{ fhirServer: clinic, fhirUser: Patient/${username}, patients: [{ id: ${username}, relationship: self, name: A Racer }] }`
  return `  - { username: ${username}, password: ${PASSWORD}, ${totp === undefined ? '' : `totp: ${totp}, `}name: A Racer, role: patient, people: [${person}] }\n`
}
