/**
 * What people call those whose records a FHIR server has: the name of its brand. Said only where there are several: with one,
 * the name on top of each page says it.
 */
import type { Brands } from '../config/brand-schema.ts'

export type BrandNameOf = (fhirServer: string) => string | undefined

export function brandNames(brands: Brands | undefined): BrandNameOf {
  const names = new Map(
    brands?.endpoints.map(({ fhirServer, brand }) => [fhirServer, brands.organizations.find(({ id }) => id === brand)?.name])
  )
  const several = new Set(names.values()).size > 1
  return (fhirServer) => (several ? names.get(fhirServer) : undefined)
}
