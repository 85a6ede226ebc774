/** Who takes part in the sample clinic, with what Keyward knows each of them by: found in the configuration by what they may do. */
import { ClinicError } from './clinic-error.ts'
import type { ClinicClient, ClinicConfiguration } from './configuration.ts'

export interface FhirParty {
  id: string
  /** Whose records it holds. */
  name: string
  baseUrl: string
  /** By which it introspects. */
  clientId: string
  clientSecret: string
}

/** An app that runs in the browser, and that an EHR can open. */
export interface BrowserApp {
  clientId: string
  name: string
  launchUrl: string
  origin: string
}

/** An app whose server keeps its tokens. It proves itself with the secret, where there is one, or else with a key. */
export interface WebApp {
  clientId: string
  name: string
  origin: string
  redirectUri: string
  scope: string
  clientSecret?: string | undefined
}

/** A client that publishes the keys by which it proves itself. */
export interface KeyedParty {
  clientId: string
  origin: string
  jwksPath: string
}

export interface Parties {
  fhir: FhirParty
  hospital: FhirParty
  ehr: KeyedParty & { pageOrigins: string[] }
  app: BrowserApp
  doctorsApp: BrowserApp
  visits: WebApp
  carePlan: WebApp & { jwksPath: string }
  report: KeyedParty & { scope: string }
}

export function parties(config: ClinicConfiguration): Parties {
  const { clients } = config
  const [clinic, hospital] = config.fhirServers
  const apps = clients.filter(({ launch_url }) => launch_url !== undefined)
  const webApps = clients.filter(({ redirect_uris, launch_url }) => redirect_uris.length > 0 && launch_url === undefined)
  const report = clients.find(({ smart_scope }) => smart_scope.includes('system/'))
  return {
    fhir: fhirParty(config, clinic?.id),
    hospital: fhirParty(config, hospital?.id),
    ehr: ehrParty(clients.find(({ launch_contexts }) => clinic !== undefined && launch_contexts.includes(clinic.id))),
    app: browserApp(apps.find((one) => !one.approved_for_clinicians)),
    doctorsApp: browserApp(apps.find((one) => one.approved_for_clinicians)),
    visits: webApp(webApps.find(({ client_secret }) => client_secret !== undefined)),
    carePlan: keyedWebApp(webApps.find(({ jwks_uri }) => jwks_uri !== undefined)),
    report: { ...keyed(report), scope: report?.smart_scope ?? '' }
  }
}

function fhirParty({ fhirServers, clients, brands, organization }: ClinicConfiguration, id: string | undefined): FhirParty {
  const server = fhirServers.find((one) => one.id === id)
  const introspecting = clients.find(({ client_id }) => client_id === server?.introspectedBy[0])
  if (!server || !introspecting?.client_secret) throw lacking('a FHIR server whose client has a secret')
  const brand = brands?.endpoints.find(({ fhirServer }) => fhirServer === id)?.brand
  const name = brands?.organizations.find((one) => one.id === brand)?.name ?? organization.name
  return {
    id: server.id,
    name,
    baseUrl: server.baseUrl,
    clientId: introspecting.client_id,
    clientSecret: introspecting.client_secret
  }
}

function browserApp(app: ClinicClient | undefined): BrowserApp {
  if (!app?.launch_url || !app.client_uri) throw lacking('an app with a launch_url and a client_uri')
  return { clientId: app.client_id, name: nameOf(app), launchUrl: app.launch_url, origin: app.client_uri }
}

function webApp(app: ClinicClient | undefined): WebApp {
  const [redirectUri] = app?.redirect_uris ?? []
  if (!app?.client_uri || !redirectUri) throw lacking('an app with a server, and a client_uri')
  const { client_id: clientId, client_uri: origin, client_secret: clientSecret, smart_scope: scope } = app
  return { clientId, name: nameOf(app), origin, redirectUri, scope, ...(clientSecret ? { clientSecret } : {}) }
}

function keyedWebApp(app: ClinicClient | undefined): WebApp & { jwksPath: string } {
  return { ...webApp(app), ...keyed(app) }
}

function ehrParty(client: ClinicClient | undefined): Parties['ehr'] {
  const ehr = keyed(client)
  return { ...ehr, pageOrigins: [ehr.origin, ehr.origin.replace('localhost', '127.0.0.1')] }
}

function keyed(client: ClinicClient | undefined): KeyedParty {
  if (!client?.jwks_uri || !client.client_uri) throw lacking('a client with a jwks_uri and a client_uri')
  return { clientId: client.client_id, origin: client.client_uri, jwksPath: new URL(client.jwks_uri).pathname }
}

function nameOf({ client_id, client_name }: ClinicClient): string {
  return client_name ?? client_id
}

function lacking(what: string): ClinicError {
  return new ClinicError(`The configuration lacks a party of the sample clinic: ${what}. Compare it with config/demo.yaml.`)
}
