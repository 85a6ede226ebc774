/** At which ports the servers of the sample clinic are: those that the configuration says, or others. */
import { type ClinicConfiguration, readdressed } from './configuration.ts'
import { parties } from './parties.ts'

/** The servers of the clinic, in the order in which `--ports` names them. */
export const servers = ['keyward', 'fhir', 'app', 'ehr', 'home', 'hospital', 'webApps', 'report'] as const
export type Ports = Record<(typeof servers)[number], number>

/** `--ports` may end after these: the others then follow the last one. */
const mustBeNamed = 5

/** The start page is no OAuth party, so the configuration doesn't know its port. */
const homePort = 9004

export function portsOf(config: ClinicConfiguration): Ports {
  const { fhir, app, ehr, hospital, visits, report } = parties(config)
  const port = (url: string) => Number(new URL(url).port)
  return {
    keyward: config.listen.port,
    fhir: port(fhir.baseUrl),
    app: port(app.origin),
    ehr: port(ehr.origin),
    home: homePort,
    hospital: port(hospital.baseUrl),
    webApps: port(visits.origin),
    report: port(report.origin)
  }
}

/** The ports of a list; the servers that it doesn't reach take the numbers that follow its last one. */
export function namedPorts(list: number[]): Ports | undefined {
  const last = list.at(-1) ?? 0
  const all = servers.map((_server, at) => list[at] ?? last + 1 + at - list.length)
  const isPort = (port: number) => Number.isInteger(port) && port > 0 && port < 65_536
  if (list.length < mustBeNamed || list.length > servers.length || !all.every(isPort)) return undefined
  const [keyward = 0, fhir = 0, app = 0, ehr = 0, home = 0, hospital = 0, webApps = 0, report = 0] = all
  return { keyward, fhir, app, ehr, home, hospital, webApps, report }
}

/** The same clinic at other ports, in another store: every address of the clinic in the file moves along. */
export function relocate(config: ClinicConfiguration, ports: Ports, store: string): ClinicConfiguration {
  const old = portsOf(config)
  const copy = readdressed(config, new Map(servers.map((name) => [String(old[name]), String(ports[name])])))
  return { ...copy, listen: { ...copy.listen, port: ports.keyward }, store }
}
