/** What the settings of `brands` must agree on, among each other and with fhirServers. Each rule runs whatever the others found. */
import { z } from 'zod'
import type { Path, Problem } from './config-error.ts'
import { printPath } from './config-error.ts'

export interface Identifier {
  system: string
  value: string
}

/** RFC 3986: the value is a URI itself. */
const URI = 'urn:ietf:rfc:3986'

/** Those that are given; without any, the website as SMART recommends it: no www., no path. */
export function identifiersOf({ website, identifiers }: { website: string; identifiers: readonly Identifier[] }): Identifier[] {
  const url = URL.parse(website)
  if (identifiers.length > 0 || url === null) return [...identifiers]
  return [{ system: URI, value: `${url.protocol}//${url.host.replace(/^www\./, '')}` }]
}

const word = z.string().catch('')
const list = <T extends z.ZodType>(member: T) => z.array(member).catch([])
const organizationOutline = z.object({
  id: word,
  partOf: word,
  website: word,
  identifiers: list(z.object({ system: word, value: word }).catch({ system: '', value: '' })),
  portals: list(z.object({ fhirServers: list(word) }).catch({ fhirServers: [] }))
})
const outline = z.object({
  fhirServers: list(z.object({ id: word }).catch({ id: '' })),
  brands: z.object({
    organizations: list(organizationOutline.catch({ id: '', partOf: '', website: '', identifiers: [], portals: [] })),
    endpoints: list(z.object({ fhirServer: word, brand: word }).catch({ fhirServer: '', brand: '' }))
  })
})

/** `tree` is the whole configuration as it was written. What is wrong by itself the schema reports. */
export function brokenBrandRules(tree: unknown): Problem[] {
  const read = outline.safeParse(tree)
  if (!read.success) return []
  const { fhirServers, brands } = read.data
  const { organizations, endpoints } = brands
  const servers = fhirServers.map(({ id }) => id)
  const published = endpoints.map(({ fhirServer }) => fhirServer)
  const ids = organizations.map(({ id }) => id)
  const problems: Problem[] = []
  const at = (...path: Path): Path => ['brands', ...path]
  const mustBeOneOf = (known: readonly string[], what: string, path: Path, id: string) => {
    if (id !== '' && !known.includes(id)) problems.push({ path, message: `must be ${what}, but is ${JSON.stringify(id)}` })
  }
  endpoints.forEach(({ fhirServer, brand }, place) => {
    mustBeOneOf(servers, 'the id of one of fhirServers', at('endpoints', place, 'fhirServer'), fhirServer)
    mustBeOneOf(ids, 'the id of one of brands.organizations', at('endpoints', place, 'brand'), brand)
  })
  organizations.forEach(({ id, partOf, website, identifiers, portals }, place) => {
    const path = at('organizations', place)
    mustBeOneOf(ids, 'the id of another of brands.organizations', [...path, 'partOf'], partOf)
    if (partOf !== '' && wholesOf(id, organizations).includes(id))
      problems.push({ path: [...path, 'partOf'], message: 'must not lead back to this organisation' })
    portals.forEach((portal, which) => {
      portal.fhirServers.forEach((server, one) => {
        const where = [...path, 'portals', which, 'fhirServers', one]
        mustBeOneOf(published, 'the fhirServer of one of brands.endpoints', where, server)
      })
    })
    if (website !== '' && identifiersOf({ website, identifiers }).length === 0)
      problems.push({ path: [...path, 'identifiers'], message: 'must have at least one member where there is no website' })
    identifiers.forEach(({ system, value }, which) => {
      if (system === URI && value !== '' && !URL.canParse(value))
        problems.push({
          path: [...path, 'identifiers', which, 'value'],
          message: `must be an absolute URI, as its system is ${URI}, but is ${JSON.stringify(value)}`
        })
    })
  })
  return [
    ...problems,
    ...doublesOf(ids.map((id, place) => [at('organizations', place, 'id'), id])),
    ...doublesOf(published.map((id, place) => [at('endpoints', place, 'fhirServer'), id])),
    ...doublesOf(
      organizations.flatMap((organization, place) =>
        identifiersOf(organization).map(({ system, value }): [Path, string] => [
          at('organizations', place, 'identifiers'),
          system === '' || value === '' ? '' : `${system} ${value}`
        ])
      )
    )
  ]
}

/** Of which an organisation is a part, from the nearest on, each once. */
function wholesOf(id: string, organizations: readonly { id: string; partOf: string }[]): string[] {
  const wholes: string[] = []
  let whole = organizations.find((one) => one.id === id)?.partOf
  while (whole && !wholes.includes(whole)) {
    wholes.push(whole)
    const next = whole
    whole = organizations.find((one) => one.id === next)?.partOf
  }
  return wholes
}

function doublesOf(values: readonly [Path, string][]): Problem[] {
  return values.flatMap(([path, value], place) => {
    const before = value === '' ? undefined : values.slice(0, place).find(([, one]) => one === value)
    if (before === undefined) return []
    return [{ path, message: `must be different from ${printPath(before[0])}, but both are ${JSON.stringify(value)}` }]
  })
}
