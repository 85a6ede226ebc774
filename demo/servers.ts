/** The servers of the sample clinic, all but Keyward: what each is told of the others, and its port. */
import { startApp } from './app/server.ts'
import { startReport } from './backend/server.ts'
import { hospitalRecords } from './data/hospital.ts'
import { clinicRecords } from './data/records.ts'
import type { Addresses, SampleAccount } from './directory.ts'
import { startEhr } from './ehr/server.ts'
import type { Resource } from './fhir/resource.ts'
import { startFhirServer } from './fhir/server.ts'
import { startHome } from './home/server.ts'
import type { FhirParty, Parties } from './parties.ts'
import type { Ports } from './placement.ts'
import { startWebApps } from './web-apps/server.ts'

export interface Starting {
  port: number
  start(): Promise<{ close(): Promise<unknown> }>
}

interface Told {
  host: string
  issuer: string
  organization: string
  addresses: Addresses
  accounts: SampleAccount[]
  now: () => number
}

export function startings(parties: Parties, ports: Ports, told: Told): Starting[] {
  const { fhir, hospital, ehr, app, doctorsApp, visits, carePlan, report } = parties
  const { host, issuer } = told
  const fhirServers = [fhir, hospital]
  const at = (port: number, start: (place: { host: string; port: number }) => ReturnType<Starting['start']>): Starting => ({
    port,
    start: () => start({ host, port })
  })
  const fhirServer = ({ id, ...party }: FhirParty, port: number, records: Resource[]) =>
    at(port, (place) =>
      startFhirServer({
        ...place,
        ...party,
        records,
        issuer,
        introspectionEndpoint: `${issuer}/introspect`,
        smartConfigurationUrl: `${issuer}/fhir/${id}/.well-known/smart-configuration`
      })
    )

  return [
    fhirServer(fhir, ports.fhir, clinicRecords()),
    fhirServer(hospital, ports.hospital, hospitalRecords()),
    at(ports.app, (place) => startApp({ ...place, issuer, app, doctorsApp, fhirServers, embeddedBy: ehr.pageOrigins })),
    at(ports.ehr, (place) => startEhr({ ...place, issuer, registered: ehr, fhirServer: fhir, apps: [app, doctorsApp] })),
    at(ports.webApps, (place) => startWebApps({ ...place, issuer, fhirBaseUrl: fhir.baseUrl, visits, carePlan })),
    at(ports.report, (place) => startReport({ ...place, registered: report, fhirServers })),
    at(ports.home, (place) => startHome({ ...place, ...told }))
  ]
}
