/**
 * What people call the house whose records a FHIR server has, by the brands of the configuration. Said only where there are
 * several houses: with one, the name on top of each page says it.
 */
import type { Brands } from '../config/brand-schema.ts'

export type HouseOf = (fhirServer: string) => string | undefined

export function housesIn(brands: Brands | undefined): HouseOf {
  const names = new Map(
    brands?.endpoints.map(({ fhirServer, brand }) => [fhirServer, brands.organizations.find(({ id }) => id === brand)?.name])
  )
  const several = new Set(names.values()).size > 1
  return (fhirServer) => (several ? names.get(fhirServer) : undefined)
}
