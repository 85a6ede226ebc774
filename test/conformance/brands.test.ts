/** The bundle of brands, and how apps find it: SMART App Launch 2.2 "User-access Brands and Endpoints". */
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Brands } from '../../src/config/brand-schema.ts'
import { brandBundle } from '../../src/smart/brand-bundle.ts'
import { BRANDS, branded } from '../harness/brands.ts'
import { FHIR_BASE } from '../harness/clinic-config.ts'
import { type Keyward, startKeyward } from '../harness/keyward.ts'

const CORE = 'http://hl7.org/fhir/StructureDefinition'

interface Element {
  [name: string]: unknown
  url: string
  extension?: Element[]
  valueReference?: { reference: string }
}
interface Resource {
  [name: string]: unknown
  resourceType: string
  id: string
  meta: { lastUpdated: string; profile: string[] }
  extension?: Element[]
  endpoint?: { reference: string }[]
  partOf?: { reference: string }
  identifier?: { system: string; value: string }[]
}
interface Bundle {
  resourceType: string
  type: string
  timestamp: string
  entry: { fullUrl: string; resource: Resource }[]
}

let keyward: Keyward
let address: string
let answer: Response
let text: string
let bundle: Bundle
beforeAll(async () => {
  keyward = await startKeyward({ change: branded })
  address = String((await discovered('clinic')).user_access_brand_bundle)
  answer = await fetch(address)
  text = await answer.text()
  bundle = JSON.parse(text)
})
afterAll(() => keyward?.stop())

async function discovered(fhirServer: string, of: Keyward = keyward): Promise<Record<string, unknown>> {
  return JSON.parse(await (await fetch(`${of.issuer}/fhir/${fhirServer}/.well-known/smart-configuration`)).text())
}

function resourceOf(id: string): Resource {
  const found = bundle.entry.find(({ fullUrl }) => fullUrl === `${keyward.issuer}/brands/${id}`)
  if (!found) throw new Error(`the bundle has no ${id}`)
  return found.resource
}

const portalsOf = (resource: Resource): Element[] =>
  (resource.extension ?? []).filter(({ url }) => url === `${CORE}/organization-portal`)

describe('discovery', () => {
  test.each([
    ['clinic', { system: 'urn:ietf:rfc:3986', value: 'https://clinic.example' }],
    ['other', { system: 'http://hl7.org/fhir/sid/us-npi', value: '9999999900' }]
  ])('SM-028, SM-293: of %s leads to the bundle, and names the one brand in it that is meant', async (id, identifier) => {
    expect(await discovered(id)).toMatchObject({
      user_access_brand_bundle: `${keyward.issuer}/brands`,
      user_access_brand_identifier: identifier
    })
    const all = bundle.entry.flatMap(({ resource }) => resource.identifier ?? [])
    expect(all.filter(({ system, value }) => system === identifier.system && value === identifier.value)).toHaveLength(1)
  })

  test('SM-028, SM-293: says nothing of brands where there are none, or none for this FHIR server', async () => {
    const without = await startKeyward({
      change: (config) => ({ ...config, brands: { ...BRANDS, endpoints: BRANDS.endpoints.slice(0, 1) } })
    })
    const none = await startKeyward()
    try {
      expect(await discovered('clinic', without)).toHaveProperty('user_access_brand_bundle')
      for (const document of [await discovered('other', without), await discovered('clinic', none)])
        expect(Object.keys(document).filter((name) => name.startsWith('user_access'))).toEqual([])
      expect((await fetch(`${none.issuer}/brands`)).status).toBe(404)
    } finally {
      await Promise.all([without.stop(), none.stop()])
    }
  })
})

describe('the bundle', () => {
  test('SM-288, SM-295: is a collection of the brands and endpoints of the configuration', () => {
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^application\/fhir\+json(;|$)/)
    expect(bundle).toMatchObject({ resourceType: 'Bundle', type: 'collection' })
    expect(bundle.entry.map(({ fullUrl }) => fullUrl.slice(`${keyward.issuer}/brands/`.length))).toEqual([
      'Organization/clinic',
      'Organization/laboratory',
      'Endpoint/clinic',
      'Endpoint/other'
    ])
    expect(resourceOf('Organization/clinic')).toMatchObject({
      active: true,
      name: 'Sample Clinic',
      alias: ['The Old Clinic'],
      telecom: [{ system: 'url', value: 'https://www.clinic.example/welcome' }],
      type: ['clinical', 'laboratory'].map((code) => ({
        coding: [{ system: 'http://hl7.org/fhir/smart-app-launch/CodeSystem/user-access-category', code }]
      })),
      address: [{ line: ['1 Main Street'], city: 'Springfield', state: 'MA', postalCode: '01101' }, { postalCode: '01102' }]
    })
    expect(resourceOf('Organization/laboratory').partOf).toEqual({ reference: 'Organization/clinic' })
  })

  test('SM-288: has the logos and the portals in the extensions that apps know', () => {
    const { extension = [] } = resourceOf('Organization/clinic')
    expect(extension[0]).toEqual({
      url: `${CORE}/organization-brand`,
      extension: [
        { url: 'brandLogo', valueUrl: 'https://clinic.example/logo.svg' },
        { url: 'brandLogoLicense', valueUrl: 'https://clinic.example/logo.html' }
      ]
    })
    expect(extension[1]).toEqual({
      url: `${CORE}/organization-portal`,
      extension: [
        { url: 'portalName', valueString: 'My Clinic' },
        { url: 'portalDescription', valueMarkdown: 'For patients of the clinic.' },
        { url: 'portalUrl', valueUrl: 'https://my.clinic.example/' },
        { url: 'portalLogo', valueUrl: 'https://my.clinic.example/logo.svg' },
        { url: 'portalLogoLicense', valueUrl: 'https://my.clinic.example/logo.html' },
        { url: 'portalEndpoint', valueReference: { reference: 'Endpoint/clinic' } }
      ]
    })
  })

  test('SM-288, SM-294: has an endpoint for each FHIR server, at its base URL', () => {
    expect(resourceOf('Endpoint/clinic')).toMatchObject({
      status: 'active',
      address: FHIR_BASE,
      name: 'Clinic FHIR',
      connectionType: { system: 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type', code: 'hl7-fhir-rest' },
      extension: [{ url: `${CORE}/endpoint-fhir-version`, valueCode: '4.0.1' }],
      contact: [{ system: 'url', value: 'https://clinic.example/developers' }],
      payloadType: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/endpoint-payload-type', code: 'none' }] }]
    })
    expect(resourceOf('Endpoint/other').extension?.map(({ valueCode }) => valueCode)).toEqual(['4.0.1', '5.0.0'])
  })

  test('SM-294: every reference resolves, every endpoint belongs to a brand, and those of portals are told beside them', () => {
    const organizations = bundle.entry
      .map(({ resource }) => resource)
      .filter(({ resourceType }) => resourceType === 'Organization')
    for (const organization of organizations) {
      const told = (organization.endpoint ?? []).map(({ reference }) => reference)
      const ofPortals = portalsOf(organization)
        .flatMap(({ extension = [] }) => extension)
        .flatMap(({ valueReference }) => valueReference?.reference ?? [])
      expect(ofPortals.filter((reference) => !told.includes(reference))).toEqual([])
      for (const reference of [...told, organization.partOf?.reference ?? []].flat()) expect(resourceOf(reference)).toBeDefined()
    }
    expect(resourceOf('Organization/clinic').endpoint).toEqual([
      { reference: 'Endpoint/clinic' },
      { reference: 'Endpoint/other' }
    ])
    expect(resourceOf('Organization/laboratory').endpoint).toEqual([{ reference: 'Endpoint/other' }])
  })

  test('SM-291: a brand has the identifiers that it was given; without any, its website without www. and path', () => {
    expect(resourceOf('Organization/laboratory').identifier).toEqual(BRANDS.organizations[1]?.identifiers)
    expect(resourceOf('Organization/clinic').identifier).toEqual([
      { system: 'urn:ietf:rfc:3986', value: 'https://clinic.example' }
    ])
  })

  test('SM-292: what is absent has one of the two reasons, in the place of the value', () => {
    const absent = (valueCode: string) => ({ extension: [{ url: `${CORE}/data-absent-reason`, valueCode }] })
    expect(resourceOf('Organization/laboratory').telecom).toEqual([{ system: 'url', _value: absent('asked-declined') }])
    expect(portalsOf(resourceOf('Organization/clinic'))[1]?.extension?.slice(0, 2)).toEqual([
      { url: 'portalName', _valueString: absent('asked-unknown') },
      { url: 'portalUrl', _valueUrl: absent('asked-declined') }
    ])
    const reasons = [...text.matchAll(/data-absent-reason","valueCode":"([^"]*)"/g)].map(([, reason]) => reason)
    expect(reasons.sort()).toEqual(['asked-declined', 'asked-declined', 'asked-unknown'])
  })

  test('SM-289: says when it changed, and so does each resource in it', () => {
    expect(new Date(bundle.timestamp).toISOString()).toBe(bundle.timestamp)
    for (const { resource } of bundle.entry)
      expect(new Date(resource.meta.lastUpdated).toISOString()).toBe(resource.meta.lastUpdated)
  })

  test('SM-289, SM-295: of another process or a later start is the same, and newer where something has changed', async () => {
    const later = Date.parse(bundle.timestamp) + 60_000
    expect(await bundleOf(BRANDS, later)).toBe(text)
    const renamed = {
      ...BRANDS,
      organizations: BRANDS.organizations.map((one) => (one.id === 'clinic' ? { ...one, name: 'New Clinic' } : one))
    }
    const changed: Bundle = JSON.parse(await bundleOf(renamed, later))
    expect(Date.parse(changed.timestamp)).toBe(later)
    const newer = changed.entry.filter(({ resource }) => Date.parse(resource.meta.lastUpdated) === later)
    expect(newer.map(({ resource }) => resource.id)).toEqual(['clinic'])
  })
})

/** What another process on the same store publishes. */
async function bundleOf(brands: Brands, at: number): Promise<string> {
  const { store, config } = keyward
  const other = new Koa()
  other.use(await brandBundle({ config: { ...config, brands }, store, now: () => at }))
  const server = other.listen(0)
  try {
    const { port } = server.address() as AddressInfo // it listens at a port
    return await (await fetch(`http://127.0.0.1:${port}/brands`)).text()
  } finally {
    server.close()
  }
}

describe('its answer', () => {
  test.each(['https://app.example', 'null'])('SM-006, SM-290: may be read by pages of %s, its ETag too', async (origin) => {
    const asked = await fetch(address, { headers: { Origin: origin } })
    expect(asked.headers.get('access-control-allow-origin')).toBe('*')
    expect(asked.headers.get('access-control-expose-headers')).toMatch(/\betag\b/i)
    const headers = { Origin: origin, 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'if-none-match' }
    const preflight = await fetch(address, { method: 'OPTIONS', headers })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/\*|if-none-match/)
  })

  test('SM-290: has a weak ETag, by which whoever has it already is told so', async () => {
    const etag = answer.headers.get('etag') ?? ''
    expect(etag).toMatch(/^W\/"[^"]+"$/)
    for (const known of [etag, `"other", ${etag}`, etag.slice(2)]) {
      const unchanged = await fetch(address, { headers: { 'If-None-Match': known, 'Cache-Control': 'max-age=0' } })
      expect([unchanged.status, await unchanged.text()]).toEqual([304, ''])
      expect(unchanged.headers.get('etag')).toBe(etag)
      expect(unchanged.headers.get('access-control-allow-origin')).toBe('*')
    }
    const other = await fetch(address, { headers: { 'If-None-Match': 'W/"other"' } })
    expect([other.status, await other.text()]).toEqual([200, text])
  })

  test('SM-295: is the same bytes each time, whatever Accept says', async () => {
    for (const accept of ['application/json', 'text/html', 'application/fhir+xml'])
      expect(await (await fetch(address, { headers: { Accept: accept } })).text()).toBe(text)
  })
})
