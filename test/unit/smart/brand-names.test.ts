import { describe, expect, test } from 'vitest'
import { housesIn } from '../../../src/smart/houses.ts'
import { BRANDS } from '../../harness/brands.ts'

const { organizations, endpoints } = BRANDS
const [first] = endpoints
const [one, other] = organizations
if (!first || !one || !other) throw new Error('too few brands')

describe('the house of a FHIR server', () => {
  test('has the name of its brand, where there are several', () => {
    const houseOf = housesIn({
      organizations,
      endpoints: [
        { ...first, fhirServer: 'a', brand: one.id },
        { ...first, fhirServer: 'b', brand: other.id }
      ]
    })
    expect([houseOf('a'), houseOf('b'), houseOf('c')]).toEqual([one.name, other.name, undefined])
  })

  test('is not named where there is one, or none', () => {
    const houseOf = housesIn({
      organizations,
      endpoints: [
        { ...first, fhirServer: 'a', brand: one.id },
        { ...first, fhirServer: 'b', brand: one.id }
      ]
    })
    expect([houseOf('a'), houseOf('b'), housesIn(undefined)('a')]).toEqual([undefined, undefined, undefined])
  })
})
