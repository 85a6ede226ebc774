/** The whole sample clinic: its servers (servers.ts), and Keyward as a process of its own. */

import type { ChildProcess } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ClinicAccount, type ClinicConfiguration, readConfiguration } from './configuration.ts'
import type { Addresses, SampleAccount } from './directory.ts'
import { startKeyward } from './keyward-process.ts'
import { parties } from './parties.ts'
import { type Ports, portsOf, relocate } from './placement.ts'
import { portTaken, requireFree } from './ports.ts'
import { type Starting, startings } from './servers.ts'

export interface ClinicOptions {
  /** Keyward's configuration; config/demo.yaml where absent. */
  config?: string | undefined
  /** Where all that the clinic keeps is kept, and where a relative store path starts; ./data where absent. */
  dataDir?: string | undefined
  /** A store URL instead of the embedded database in the data folder. */
  store?: string | undefined
  ports?: Partial<Ports> | undefined
  /** Ends a start that is still going on. */
  signal?: AbortSignal | undefined
}

export interface Clinic {
  addresses: Addresses
  accounts: SampleAccount[]
  keyward: ChildProcess
  logFile: string
  /** Settles when Keyward ends, also where nobody asked it to. */
  keywardEnded: Promise<unknown>
  /** Ends everything in order; settles when nothing is left running. */
  stop(): Promise<void>
}

const host = '127.0.0.1'
const repository = fileURLToPath(new URL('..', import.meta.url))

export async function startClinic(options: ClinicOptions = {}): Promise<Clinic> {
  const dataDir = path.resolve(options.dataDir ?? path.join(repository, 'data'))
  await mkdir(dataDir, { recursive: true })
  const { config, configFile } = await settle(options, dataDir)
  const ports = portsOf(config)
  if (options.ports?.home !== undefined) ports.home = options.ports.home
  const addresses = addressesOf(config, ports)
  const accounts = config.accounts.map(describe)
  const { issuer } = config

  const running: { close(): Promise<unknown> }[] = []
  const keepRunning = async ({ port, start }: Starting) => {
    const server = await start().catch((fault: unknown) => {
      throw portTaken(fault, port)
    })
    running.push(server)
  }
  const closeServers = async () => void (await Promise.all(running.map((server) => server.close())))

  try {
    await requireFree(host, ports.keyward)
    const told = { host, issuer, organization: config.organization.name, addresses, accounts, now: Date.now }
    for (const starting of startings(parties(config), ports, told)) await keepRunning(starting)
    const logFile = path.join(dataDir, 'keyward.log')
    const keyward = await startKeyward({
      configFile,
      workingDir: options.dataDir === undefined ? repository : dataDir,
      issuer,
      logFile,
      signal: options.signal
    })
    const stop = async () => {
      await closeServers()
      await keyward.stop()
    }
    return { addresses, accounts, keyward: keyward.child, logFile, keywardEnded: keyward.ended, stop }
  } catch (fault) {
    await closeServers()
    throw fault
  }
}

/** The configuration to run: the file as it stands, or a copy in the data folder where options change it. */
async function settle({ config: file, ports, store, dataDir: chosen }: ClinicOptions, dataDir: string) {
  const given = path.resolve(file ?? path.join(repository, 'config/demo.yaml'))
  const config = await readConfiguration(given)
  if (!ports && store === undefined && chosen === undefined) return { config, configFile: given }
  const inDataDir = `sqlite:${path.join(dataDir, 'keyward.db')}`
  const moved = relocate(config, { ...portsOf(config), ...ports }, store ?? (chosen === undefined ? config.store : inDataDir))
  const configFile = path.join(dataDir, 'clinic.yaml')
  // JSON is YAML.
  await writeFile(configFile, JSON.stringify(moved, undefined, 2), { mode: 0o600 })
  return { config: moved, configFile }
}

function addressesOf(config: ClinicConfiguration, ports: Ports): Addresses {
  const { fhir, hospital, app, ehr, visits, carePlan, report } = parties(config)
  /** The start of a web app is the folder of its redirect URI. */
  const startOf = (redirectUri: string) => new URL('.', redirectUri).href
  return {
    keyward: config.issuer,
    fhir: fhir.baseUrl,
    smartConfiguration: `${config.issuer}/fhir/${fhir.id}/.well-known/smart-configuration`,
    app: app.origin,
    ehr: ehr.origin,
    home: `http://localhost:${ports.home}`,
    hospital: hospital.baseUrl,
    visits: startOf(visits.redirectUri),
    carePlan: startOf(carePlan.redirectUri),
    report: report.origin
  }
}

const roles: Record<string, string> = { clinician: 'Doctor', developer: 'Developer of apps' }

function describe({ username, password, totp, name, role, people }: ClinicAccount): SampleAccount {
  const others = people.flatMap(({ patients }) => patients.map((patient) => patient.name)).filter((other) => other !== name)
  const decides = others.length > 0 ? `, who also decides for ${others.join(' and ')}` : ''
  return { username, password, totp, name, describes: `${roles[role] ?? 'Patient'}${decides}` }
}
