/**
 * The brands of the configuration as FHIR resources: Organization for each brand,
 * Endpoint for each FHIR server. No I/O, no clock: when they were published is
 * told in brand-bundle.ts.
 *
 * SMART App Launch 2.2, "User-access Brands and Endpoints"
 */
import { type Identifier, identifiersOf } from '../config/brand-rules.ts'
import { type BrandEndpoint, type BrandOrganization, type Brands, isAbsent } from '../config/brand-schema.ts'
import type { FhirServer } from '../config/config.ts'

export interface BrandResource {
  [element: string]: unknown
  resourceType: 'Organization' | 'Endpoint'
  id: string
  meta: { profile: string[]; lastUpdated?: string }
}

const CORE = 'http://hl7.org/fhir/StructureDefinition'
const SMART = 'http://hl7.org/fhir/smart-app-launch'
const TERMINOLOGY = 'http://terminology.hl7.org/CodeSystem'

/** The bundle's address below the issuer. */
export const BRANDS_PATH = '/brands'

/** What the discovery document of a FHIR server says of brands: nothing, unless it is published as an endpoint. */
export function brandMembers(
  issuer: string,
  brands: Brands | undefined,
  fhirServer: FhirServer
): { user_access_brand_bundle: string; user_access_brand_identifier: Identifier } | undefined {
  const endpoint = brands?.endpoints.find((one) => one.fhirServer === fhirServer.id)
  const organization = brands?.organizations.find(({ id }) => id === endpoint?.brand)
  const [identifier] = organization ? identifiersOf(organization) : []
  if (!identifier) return undefined
  return { user_access_brand_bundle: `${issuer}${BRANDS_PATH}`, user_access_brand_identifier: identifier }
}

export function brandResources(brands: Brands, fhirServers: readonly FhirServer[]): BrandResource[] {
  return [
    ...brands.organizations.map((organization) => organizationResource(organization, brands)),
    ...brands.endpoints.map((endpoint) => endpointResource(endpoint, fhirServers))
  ]
}

function organizationResource(organization: BrandOrganization, { endpoints }: Brands): BrandResource {
  const { id, name, aliases, website, categories, addresses, partOf, portals } = organization
  const own = endpoints.filter(({ brand }) => brand === id).map(({ fhirServer }) => fhirServer)
  // Those of the portals too, for apps that don't read the extension.
  const all = [...new Set([...own, ...portals.flatMap(({ fhirServers = [] }) => fhirServers)])]
  return {
    resourceType: 'Organization',
    id,
    meta: { profile: [`${SMART}/StructureDefinition/user-access-brand`] },
    ...given('extension', [...brandExtension(organization), ...portals.map((portal) => portalExtension(portal, own))]),
    identifier: identifiersOf(organization),
    active: true,
    ...given(
      'type',
      categories.map((code) => ({ coding: [{ system: `${SMART}/CodeSystem/user-access-category`, code }] }))
    ),
    name,
    ...given('alias', aliases),
    telecom: [{ system: 'url', ...primitive('value', website) }],
    ...given(
      'address',
      addresses.map(({ line, ...rest }) => ({ ...given('line', line), ...rest }))
    ),
    ...(partOf === undefined ? {} : { partOf: { reference: `Organization/${partOf}` } }),
    ...given('endpoint', all.map(endpointReference))
  }
}

function endpointResource({ fhirServer, name, fhirVersions, developers }: BrandEndpoint, servers: readonly FhirServer[]) {
  const resource: BrandResource = {
    resourceType: 'Endpoint',
    id: fhirServer,
    meta: { profile: [`${SMART}/StructureDefinition/user-access-endpoint`] },
    extension: fhirVersions.map((version) => ({ url: `${CORE}/endpoint-fhir-version`, valueCode: version })),
    status: 'active',
    connectionType: { system: `${TERMINOLOGY}/endpoint-connection-type`, code: 'hl7-fhir-rest' },
    name,
    contact: [{ system: 'url', value: developers }],
    // FHIR R4 wants one; this is the place holder of the profile.
    payloadType: [{ coding: [{ system: `${TERMINOLOGY}/endpoint-payload-type`, code: 'none' }] }],
    address: servers.find(({ id }) => id === fhirServer)?.baseUrl
  }
  return resource
}

function brandExtension({ logo, logoLicense }: BrandOrganization): object[] {
  const parts = [...part('brandLogo', 'valueUrl', logo), ...part('brandLogoLicense', 'valueUrl', logoLicense)]
  return parts.length === 0 ? [] : [{ url: `${CORE}/organization-brand`, extension: parts }]
}

function portalExtension(portal: BrandOrganization['portals'][number], own: readonly string[]): object {
  const { name, url, description, logo, logoLicense, fhirServers = own } = portal
  return {
    url: `${CORE}/organization-portal`,
    extension: [
      ...part('portalName', 'valueString', name),
      ...part('portalDescription', 'valueMarkdown', description),
      ...part('portalUrl', 'valueUrl', url),
      ...part('portalLogo', 'valueUrl', logo),
      ...part('portalLogoLicense', 'valueUrl', logoLicense),
      ...fhirServers.map((id) => ({ url: 'portalEndpoint', valueReference: endpointReference(id) }))
    ]
  }
}

const endpointReference = (id: string): { reference: string } => ({ reference: `Endpoint/${id}` })

function part(url: string, type: string, value: string | undefined): object[] {
  return value === undefined ? [] : [{ url, ...primitive(type, value) }]
}

/** FHIR R4, "JSON representation of primitive elements": what is absent says why beside its name. */
function primitive(name: string, value: string): object {
  return isAbsent(value)
    ? { [`_${name}`]: { extension: [{ url: `${CORE}/data-absent-reason`, valueCode: value }] } }
    : { [name]: value }
}

/** FHIR has no empty lists. */
function given(name: string, values: readonly unknown[]): object {
  return values.length === 0 ? {} : { [name]: values }
}
