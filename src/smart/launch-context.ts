/**
 * What an EHR can say of the moment in which it opens an app: the form of each
 * member, as it comes out again beside the access token. Who may say what is
 * decided in launch-routes.ts.
 *
 * SMART App Launch 2.2, "Launch context arrives with your access_token", "fhirContext"
 */
import { z } from 'zod'
import { fhirId, pattern, text, words } from '../config/fields.ts'
import { webUriProblem } from '../config/uris.ts'

const LONGEST_WORD = 255
/** An app that a CDS service suggests is handed this as it is: "a string that may hold JSON". */
const LONGEST_APP_CONTEXT = 8192
const MOST_RESOURCES = 50

/** The only role that SMART defines, and what an absent one means. */
const LAUNCH_ROLE = 'launch'
/** They have members of their own. */
const OWN_MEMBER = ['Patient', 'Encounter']

const resourceType = pattern(/^[A-Z][A-Za-z]{1,63}$/, 'must be the name of a FHIR resource type')
const relative = pattern(
  /^[A-Z][A-Za-z]{1,63}\/[A-Za-z0-9.-]{1,64}$/,
  'must be a reference relative to the FHIR base URL, such as ImagingStudy/123'
)
const canonical = pattern(
  /^https?:\/\/\S+\/[A-Z][A-Za-z]{1,63}\/[A-Za-z0-9.-]{1,64}(?:\|\S{1,64})?$/,
  'must be an absolute URL that ends in a resource type and an id, with |version or without'
).max(1024)
const identifier = z
  .looseObject({ system: z.string().min(1).max(1024).exactOptional(), value: z.string().min(1).max(1024) })
  .refine((given) => JSON.stringify(given).length <= 4096, 'must not be longer than 4096 characters')
/** RFC 3986 §4.3, or SMART's own. */
const role = pattern(/^(?:launch|[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`]+)$/, 'must be launch or an absolute URI').max(1024)

const contextResource = z
  .strictObject({
    reference: relative.exactOptional(),
    canonical: canonical.exactOptional(),
    identifier: identifier.exactOptional(),
    type: resourceType.exactOptional(),
    role: role.exactOptional()
  })
  .check(({ value: { reference, canonical: url, identifier: named, type, role: as = LAUNCH_ROLE }, issues, value }) => {
    const refuse = (message: string) => issues.push({ code: 'custom', message, input: value })
    if (reference === undefined && url === undefined && named === undefined)
      refuse('must have a reference, a canonical or an identifier')
    const types = [type, reference?.split('/')[0], url?.split('/').at(-2)].filter((one) => one !== undefined)
    if (new Set(types).size > 1) refuse('type must be the type of the resource')
    if (as === LAUNCH_ROLE && types.some((one) => OWN_MEMBER.includes(one)))
      refuse('Patient and Encounter are said by patient and encounter, unless their role is another than launch')
  })

/** The members as they are sent and as they come out. */
export const launchContextMembers = {
  patient: fhirId.exactOptional(),
  encounter: fhirId.exactOptional(),
  fhirContext: z.array(contextResource).max(MOST_RESOURCES).exactOptional(),
  intent: words.max(LONGEST_WORD).exactOptional(),
  need_patient_banner: z.boolean('must be true or false').exactOptional(),
  smart_style_url: text(webUriProblem).max(2048).exactOptional(),
  tenant: words.max(LONGEST_WORD).exactOptional(),
  appContext: z.string().min(1).max(LONGEST_APP_CONTEXT).exactOptional()
}

const launchContext = z.strictObject(launchContextMembers)

export type LaunchContext = z.infer<typeof launchContext>
