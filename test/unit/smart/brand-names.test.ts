import { describe, expect, test } from 'vitest'
import { brandNames } from '../../../src/smart/brand-names.ts'
import { BRANDS } from '../../harness/brands.ts'

const { organizations, endpoints } = BRANDS
const [first] = endpoints
const [one, other] = organizations
if (!first || !one || !other) throw new Error('too few brands')

describe('the brand name of a FHIR server', () => {
  test('is that of its brand, where there are several', () => {
    const brandNameOf = brandNames({
      organizations,
      endpoints: [
        { ...first, fhirServer: 'a', brand: one.id },
        { ...first, fhirServer: 'b', brand: other.id }
      ]
    })
    expect([brandNameOf('a'), brandNameOf('b'), brandNameOf('c')]).toEqual([one.name, other.name, undefined])
  })

  test('is not said where there is one, or none', () => {
    const brandNameOf = brandNames({
      organizations,
      endpoints: [
        { ...first, fhirServer: 'a', brand: one.id },
        { ...first, fhirServer: 'b', brand: one.id }
      ]
    })
    expect([brandNameOf('a'), brandNameOf('b'), brandNames(undefined)('a')]).toEqual([undefined, undefined, undefined])
  })
})
