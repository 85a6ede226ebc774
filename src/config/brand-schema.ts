/**
 * The form of `brands`: who the organisations behind the FHIR servers are, as
 * people know them. What becomes of it is in smart/brands.ts; what several of its
 * values must agree on, in brand-rules.ts.
 *
 * SMART App Launch 2.2, "User-access Brands and Endpoints"
 */
import { z } from 'zod'
import { fhirId, pattern, serverId, text, words } from './fields.ts'
import { webUriProblem } from './uris.ts'

/** Why something that the specification requires is not there: FHIR has more reasons, brands may have these. */
const ABSENT = ['asked-declined', 'asked-unknown'] as const
export type AbsentReason = (typeof ABSENT)[number]

export function isAbsent(value: string): value is AbsentReason {
  return ABSENT.some((reason) => reason === value)
}

const webUri = text(webUriProblem)
const webUriOrAbsent = text((value) => {
  const problem = isAbsent(value) ? undefined : webUriProblem(value)
  return problem && `${problem}, or asked-declined or asked-unknown where there is none`
})

const identifier = z.strictObject({
  system: text((value) => (URL.canParse(value) ? undefined : 'must be an absolute URI')).describe(
    'Who gives out such identifiers: `urn:ietf:rfc:3986` where the value is a URI itself.'
  ),
  value: words.describe('The identifier, other than that of any other brand.')
})

const address = z
  .strictObject({
    line: z.array(words).default([]).describe('Street and number.'),
    city: words.optional().describe('The town.'),
    state: words.optional().describe('The state or region.'),
    postalCode: words.optional().describe('The postal code.'),
    country: words.optional().describe('The country.')
  })
  .refine(
    ({ line, city, state, postalCode }) =>
      city === undefined
        ? line.length === 0 && (state === undefined) !== (postalCode === undefined)
        : state !== undefined && (line.length === 0 || postalCode !== undefined),
    'must be a state, a city with its state, both with a postal code, all of them with a street, or a postal code alone'
  )

const portal = z.strictObject({
  name: words.describe('Its name, as people know it; `asked-declined` or `asked-unknown` where it has none.'),
  url: webUriOrAbsent.describe('Its address; `asked-declined` or `asked-unknown` where there is none.'),
  description: words.optional().describe('Whom it is for, in words for people. Markdown.'),
  logo: webUri.optional().describe('The address of its logo: SVG, or PNG of 1024 x 1024 pixels.'),
  logoLicense: webUri.optional().describe('The terms under which apps may show that logo.'),
  fhirServers: z
    .array(serverId)
    .optional()
    .describe('The FHIR servers that give what it shows, ids of fhirServers. Absent: those of the organisation.')
})

const organization = z.strictObject({
  id: fhirId.describe('Names the organisation in the bundle: it should never change.'),
  name: words.describe('The name by which people know it.'),
  aliases: z.array(words).default([]).describe('Other and former names, by which people may look for it.'),
  website: webUriOrAbsent.describe('Its public website; `asked-declined` or `asked-unknown` where there is none.'),
  identifiers: z
    .array(identifier)
    .default([])
    .describe('By which apps know it in other lists too. Empty: the website, without www. and without a path.'),
  logo: webUri.optional().describe('The address of its logo: SVG, or PNG of 1024 x 1024 pixels, readable when small.'),
  logoLicense: webUri.optional().describe('The terms under which apps may show that logo.'),
  categories: z
    .array(
      z.enum(
        ['clinical', 'insurance', 'laboratory', 'imaging', 'pharmacy', 'network', 'aggregator'],
        'must be clinical, insurance, laboratory, imaging, pharmacy, network or aggregator'
      )
    )
    .default([])
    .describe('What kind of records it has.'),
  addresses: z.array(address).default([]).describe('Where it is.'),
  partOf: fhirId.optional().describe('The id of the organisation that this one is a part of.'),
  portals: z.array(portal).default([]).describe('Where people see their own records.')
})

const endpoint = z.strictObject({
  fhirServer: serverId.describe('The id of one of fhirServers.'),
  brand: fhirId.describe('The id of the organisation whose server it is.'),
  name: words.describe('Its name, for developers.'),
  fhirVersions: z
    .array(pattern(/^\d+\.\d+\.\d+(-[\w.]+)?$/, 'must be a version of FHIR such as 4.0.1'))
    .min(1, 'must have at least one member')
    .default(['4.0.1'])
    .describe('The versions of FHIR that it speaks.'),
  developers: webUri.describe('The page where developers register apps for it.')
})

export const brands = z.strictObject({
  organizations: z
    .array(organization)
    .min(1, 'must have at least one member')
    .describe('The organisations whose records the FHIR servers hold.'),
  endpoints: z.array(endpoint).min(1, 'must have at least one member').describe('The FHIR servers that are published.')
})

export type Brands = z.output<typeof brands>
export type BrandOrganization = Brands['organizations'][number]
export type BrandEndpoint = Brands['endpoints'][number]
