/**
 * What the sample clinic reads from Keyward's own configuration file, so that addresses, secrets and accounts stand in one
 * place only, and the copy of that file for other ports or another store. Whether the file is right is Keyward's to say.
 */
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'
import { ClinicError } from './clinic-error.ts'

const client = z.looseObject({
  client_id: z.string(),
  client_secret: z.string().optional(),
  client_uri: z.string().optional(),
  jwks_uri: z.string().optional(),
  launch_url: z.string().optional(),
  launch_contexts: z.array(z.string()).default([])
})

const account = z.looseObject({
  username: z.string(),
  password: z.string(),
  totp: z.string().optional(),
  name: z.string(),
  role: z.string(),
  people: z.array(z.looseObject({ patients: z.array(z.looseObject({ id: z.string(), name: z.string() })).default([]) }))
})

const configuration = z.looseObject({
  issuer: z.url(),
  listen: z.looseObject({ port: z.int() }),
  store: z.string(),
  organization: z.looseObject({ name: z.string() }),
  fhirServers: z.array(z.looseObject({ id: z.string(), baseUrl: z.url(), introspectedBy: z.array(z.string()).min(1) })).min(1),
  clients: z.array(client),
  accounts: z.array(account)
})

export type ClinicConfiguration = z.infer<typeof configuration>
export type ClinicAccount = z.infer<typeof account>

/** The five servers of the clinic, in the order in which `--ports` names them. */
export const servers = ['keyward', 'fhir', 'app', 'ehr', 'home'] as const
export type Ports = Record<(typeof servers)[number], number>

/** The start page is no OAuth party, so the configuration doesn't know its port. */
const homePort = 9004

export async function readConfiguration(file: string): Promise<ClinicConfiguration> {
  try {
    return configuration.parse(parse(await readFile(file, 'utf8')))
  } catch (fault) {
    const reason = fault instanceof z.ZodError ? z.prettifyError(fault) : fault instanceof Error ? fault.message : 'unknown fault'
    throw new ClinicError(`${file} can't be used for the sample clinic:\n${reason}`)
  }
}

/** The FHIR server, the app and the EHR that this clinic runs, with what Keyward knows them by. */
export function parties(config: ClinicConfiguration) {
  const fhirServer = config.fhirServers[0]
  const introspecting = config.clients.find(({ client_id }) => client_id === fhirServer?.introspectedBy[0])
  const ehr = config.clients.find(({ launch_contexts }) => fhirServer !== undefined && launch_contexts.includes(fhirServer.id))
  const app = config.clients.find(({ launch_url }) => launch_url !== undefined)
  if (!fhirServer || !introspecting?.client_secret || !ehr?.jwks_uri || !ehr.client_uri || !app?.launch_url || !app.client_uri) {
    throw new ClinicError('The configuration lacks a party of the sample clinic: compare it with config/demo.yaml.')
  }
  return {
    fhir: {
      id: fhirServer.id,
      baseUrl: fhirServer.baseUrl,
      clientId: introspecting.client_id,
      clientSecret: introspecting.client_secret
    },
    ehr: { clientId: ehr.client_id, jwksPath: new URL(ehr.jwks_uri).pathname, origin: ehr.client_uri },
    app: { clientId: app.client_id, launchUrl: app.launch_url, origin: app.client_uri }
  }
}

export function portsOf(config: ClinicConfiguration): Ports {
  const { fhir, app, ehr } = parties(config)
  const port = (url: string) => Number(new URL(url).port)
  return { keyward: config.listen.port, fhir: port(fhir.baseUrl), app: port(app.origin), ehr: port(ehr.origin), home: homePort }
}

/** The same clinic at other ports, in another store: every address of the clinic in the file moves along. */
export function relocate(config: ClinicConfiguration, ports: Ports, store: string): ClinicConfiguration {
  const old = portsOf(config)
  const moved = new Map(servers.map((name) => [String(old[name]), String(ports[name])]))
  const readdressed = (_key: string, value: unknown) =>
    typeof value === 'string'
      ? value.replace(/(?<=(?:\/\/|^)(?:localhost|127\.0\.0\.1):)\d+/g, (port) => moved.get(port) ?? port)
      : value
  const copy = configuration.parse(JSON.parse(JSON.stringify(config, readdressed)))
  return { ...copy, listen: { ...copy.listen, port: ports.keyward }, store }
}
