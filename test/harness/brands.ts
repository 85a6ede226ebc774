/** Brands for tests: a health system with a part of its own, both behind the sample clinic's FHIR servers. */
import type { Brands } from '../../src/config/brand-schema.ts'
import type { Config } from '../../src/config/config.ts'

const organization = { aliases: [], identifiers: [], categories: [], addresses: [], portals: [] }

export const BRANDS: Brands = {
  organizations: [
    {
      ...organization,
      id: 'clinic',
      name: 'Sample Clinic',
      aliases: ['The Old Clinic'],
      website: 'https://www.clinic.example/welcome',
      logo: 'https://clinic.example/logo.svg',
      logoLicense: 'https://clinic.example/logo.html',
      categories: ['clinical', 'laboratory'],
      addresses: [
        { line: ['1 Main Street'], city: 'Springfield', state: 'MA', postalCode: '01101' },
        { line: [], postalCode: '01102' }
      ],
      portals: [
        {
          name: 'My Clinic',
          url: 'https://my.clinic.example/',
          description: 'For patients of the clinic.',
          logo: 'https://my.clinic.example/logo.svg',
          logoLicense: 'https://my.clinic.example/logo.html'
        },
        { name: 'asked-unknown', url: 'asked-declined', fhirServers: ['clinic', 'other'] }
      ]
    },
    {
      ...organization,
      id: 'laboratory',
      name: 'Clinic Laboratory',
      website: 'asked-declined',
      identifiers: [
        { system: 'http://hl7.org/fhir/sid/us-npi', value: '9999999900' },
        { system: 'urn:ietf:rfc:3986', value: 'https://laboratory.example' }
      ],
      partOf: 'clinic'
    }
  ],
  endpoints: [
    {
      fhirServer: 'clinic',
      brand: 'clinic',
      name: 'Clinic FHIR',
      fhirVersions: ['4.0.1'],
      developers: 'https://clinic.example/developers'
    },
    {
      fhirServer: 'other',
      brand: 'laboratory',
      name: 'Laboratory FHIR',
      fhirVersions: ['4.0.1', '5.0.0'],
      developers: 'https://laboratory.example/developers'
    }
  ]
}

export const branded = (config: Config): Config => ({ ...config, brands: BRANDS })
