/** One entry of `accounts`: a person who can sign in from the first start on. */
import { z } from 'zod'
import { fhirId, fhirUserReference, pattern, scope, serverId, text, words } from './fields.ts'

/** RFC 4648 base32; otplib refuses keys of less than 16 bytes. */
function totpProblem(value: string): string | undefined {
  if (!/^[A-Z2-7]+=*$/.test(value)) return 'must be base32: the letters A to Z and the digits 2 to 7'
  return value.replace(/=+$/, '').length < 26 ? 'must be at least 16 bytes, which are 26 characters' : undefined
}

const patient = z.strictObject({
  id: fhirId.describe('The logical id of the Patient resource.'),
  relationship: words.describe('self, or who the patient is to this person: child, parent, spouse.'),
  name: words.describe('The name that the patient page shows.'),
  birthDate: pattern(/^\d{4}(-\d\d(-\d\d)?)?$/, 'must be a date such as 2015-03-21')
    .optional()
    .describe('Shown where it helps to tell two patients apart.'),
  scope: scope
    .optional()
    .describe(
      'The most of this record that this person may share, as scopes: `patient/Immunization.rs`. Absent: all of it. Where one patient has a limit, the person gives no `user/` scopes at this FHIR server.'
    )
})

const person = z.strictObject({
  fhirServer: serverId.describe('The id of a FHIR server.'),
  fhirUser: fhirUserReference.describe('The resource that is this person, relative to the base URL.'),
  scope: scope.optional().describe('The most that apps of this person may have there, as scopes. Absent: no limit.'),
  patients: z.array(patient).default([]).describe('Whose records this person may share there. Only these can be chosen.')
})

export const account = z.strictObject({
  username: words.max(256, 'must be at most 256 characters').describe('Compared without regard to case.'),
  password: pattern(/^[\s\S]{8,1024}$/, 'must be 8 to 1024 characters').describe('The first password.'),
  totp: text(totpProblem).optional().describe('The TOTP key, base32; absent: set up at the first sign-in.'),
  name: words.describe('The name that the person sees.'),
  role: z
    .enum(['patient', 'clinician', 'developer'], 'must be patient, clinician or developer')
    .describe('Which rules of `secondFactor` apply. A developer registers apps at /developer, and has no record to share.'),
  people: z.array(person).default([]).describe('Who this account is at each FHIR server.')
})
