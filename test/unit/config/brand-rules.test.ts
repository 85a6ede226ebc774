import { describe, expect, test } from 'vitest'
import { BRANDS } from '../../harness/brands.ts'
import { problemsWith } from './mistakes.ts'

const [clinic, laboratory] = BRANDS.organizations
const [endpoint] = BRANDS.endpoints
const whole = { organizations: [clinic, laboratory], endpoints: [endpoint] }
const good = { ...whole, organizations: [{ ...clinic, portals: [] }, laboratory] }
const withFirst = (changes: object) => ({ ...good, organizations: [{ ...clinic, portals: [], ...changes }, laboratory] })
const withSecond = (changes: object) => ({
  ...good,
  organizations: [
    { ...clinic, portals: [] },
    { ...laboratory, ...changes }
  ]
})
const first = 'brands.organizations[0]'
const second = 'brands.organizations[1]'

describe('brands', () => {
  test('may be absent, and may be as the tests have them', () => {
    expect(problemsWith(['brands'], undefined)).toEqual([])
    expect(problemsWith(['brands'], good)).toEqual([])
  })

  const site = { website: 'https://laboratory.example', identifiers: [] }
  test.each<[string, unknown, string]>([
    ['an endpoint at least', { ...good, endpoints: [] }, 'brands.endpoints: must have at least one member'],
    [
      'endpoints of FHIR servers that are there',
      { ...good, endpoints: [{ ...endpoint, fhirServer: 'nowhere' }] },
      'brands.endpoints[0].fhirServer: must be the id of one of fhirServers, but is "nowhere"'
    ],
    [
      'endpoints of brands that are there',
      { ...good, endpoints: [{ ...endpoint, brand: 'nobody' }] },
      'brands.endpoints[0].brand: must be the id of one of brands.organizations, but is "nobody"'
    ],
    [
      'each FHIR server once',
      { ...good, endpoints: [endpoint, endpoint] },
      'brands.endpoints[1].fhirServer: must be different from brands.endpoints[0].fhirServer, but both are "clinic"'
    ],
    [
      'portals of endpoints that are published',
      withFirst({ portals: [{ name: 'a', url: 'https://a.example', fhirServers: ['other'] }] }),
      `${first}.portals[0].fhirServers[0]: must be the fhirServer of one of brands.endpoints, but is "other"`
    ],
    [
      'wholes that are there',
      withFirst({ partOf: 'nobody' }),
      `${first}.partOf: must be the id of another of brands.organizations, but is "nobody"`
    ],
    [
      'no organisation that is a part of itself',
      withFirst({ partOf: 'clinic' }),
      `${first}.partOf: must not lead back to this organisation`
    ],
    [
      'ids of their own',
      withSecond({ id: 'clinic', partOf: undefined }),
      `${second}.id: must be different from ${first}.id, but both are "clinic"`
    ],
    [
      'SM-291: identifiers of their own',
      withSecond({ identifiers: [{ system: 'urn:ietf:rfc:3986', value: 'https://clinic.example' }] }),
      `${second}.identifiers: must be different from ${first}.identifiers, but both are "urn:ietf:rfc:3986 https://clinic.example"`
    ],
    [
      'SM-291: an identifier, or a website to make one of',
      withSecond({ identifiers: [] }),
      `${second}.identifiers: must have at least one member where there is no website`
    ],
    [
      'SM-291: URIs where the system says so',
      withSecond({ identifiers: [{ system: 'urn:ietf:rfc:3986', value: 'laboratory' }] }),
      `${second}.identifiers[0].value: must be an absolute URI, as its system is urn:ietf:rfc:3986, but is "laboratory"`
    ],
    [
      'SM-291: systems that are URIs',
      withSecond({ identifiers: [{ system: 'npi', value: '1' }] }),
      `${second}.identifiers[0].system: must be an absolute URI, but is "npi"`
    ],
    [
      'SM-292: one of two reasons where there is no website',
      withSecond({ website: 'unknown' }),
      `${second}.website: must be an absolute URL, or asked-declined or asked-unknown where there is none, but is "unknown"`
    ],
    [
      'kinds of records that SMART knows',
      withFirst({ categories: ['dental'] }),
      `${first}.categories[0]: must be clinical, insurance, laboratory, imaging, pharmacy, network or aggregator, but is "dental"`
    ]
  ])('have %s', (_what, brands, problem) => {
    expect(problemsWith(['brands'], brands)).toEqual([problem])
  })

  test('may have an organisation without identifiers that has a website', () => {
    expect(problemsWith(['brands'], withSecond(site))).toEqual([])
  })

  test.each([
    [{ state: 'MA' }, true],
    [{ city: 'Boston', state: 'MA' }, true],
    [{ city: 'Boston', state: 'MA', postalCode: '02111' }, true],
    [{ line: ['1 Main Street'], city: 'Boston', state: 'MA', postalCode: '02111' }, true],
    [{ postalCode: '02111' }, true],
    [{ city: 'Boston' }, false],
    [{ line: ['1 Main Street'], city: 'Boston', state: 'MA' }, false],
    [{ line: ['1 Main Street'], postalCode: '02111' }, false],
    [{ state: 'MA', postalCode: '02111' }, false],
    [{}, false]
  ])('the address %j is one of the forms of SMART: %s', (address, allowed) => {
    expect(problemsWith(['brands'], withFirst({ addresses: [address] })).length === 0).toBe(allowed)
  })
})
