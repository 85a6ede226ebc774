/** Kinds of text that several sections of the schema use. */
import { isIP } from 'node:net'
import { z } from 'zod'
import { DURATION, DURATION_OR_NONE, parseDuration } from './durations.ts'

/** A string with a rule of its own; `problemOf` gives the end of a sentence: 'must be ...'. */
export function text(problemOf: (value: string) => string | undefined) {
  return z.string().check((field) => {
    const message = problemOf(field.value)
    if (message !== undefined) field.issues.push({ code: 'custom', message, input: field.value })
  })
}

export function pattern(expression: RegExp, message: string) {
  return z.string(message).regex(expression, message)
}

export const words = pattern(/\S/, 'must not be empty')

/** Read as seconds. `most` is a duration as well. */
export function duration(most?: string) {
  const limit = most === undefined ? Number.POSITIVE_INFINITY : (parseDuration(most) ?? 0)
  return pattern(DURATION, 'must be a length of time such as 60s, 15m, 12h or 93d')
    .refine((value) => (parseDuration(value) ?? 0) <= limit, `must not be longer than ${most}`)
    .transform((value) => parseDuration(value) ?? 0)
}

/** Where 0s says that there is none. */
export function durationOrNone(most: string) {
  const limit = parseDuration(most) ?? 0
  return pattern(DURATION_OR_NONE, 'must be 0s or a length of time such as 10s')
    .refine((value) => (parseDuration(value) ?? 0) <= limit, `must not be longer than ${most}`)
    .transform((value) => parseDuration(value) ?? 0)
}

/** The id of a FHIR server: it is part of a URL. */
export const serverId = pattern(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must consist of lower-case letters, digits and hyphens')

/** FHIR R4, the datatype id. */
export const fhirId = pattern(/^[A-Za-z0-9.-]{1,64}$/, 'must be the logical id of a FHIR resource (letters, digits, - and .)')

/** A reference to the resource that is a person, relative to the FHIR base URL. */
export const fhirUserReference = pattern(
  /^(Patient|Practitioner|PractitionerRole|RelatedPerson|Person)\/[A-Za-z0-9.-]{1,64}$/,
  'must be a reference such as Patient/123 or Practitioner/456'
)

/** RFC 6749 §3.3: scope-token is %x21 / %x23-5B / %x5D-7E, one space between two. */
export const scope = pattern(
  /^([\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*)?$/,
  'must be scopes with one space between two, in the characters of RFC 6749 section 3.3'
)

export const network = text((value) => {
  const [address = '', prefix, ...rest] = value.split('/')
  const version = isIP(address)
  const longest = version === 4 ? 32 : 128
  const fits = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= longest)
  return version !== 0 && fits && rest.length === 0 ? undefined : 'must be an IP address or a network such as 10.0.0.0/8'
})

/** The bytes of a key written in base64url, base64 or hexadecimal; undefined where it is none of them. */
export function keyBytes(written: string): Uint8Array | undefined {
  if (/^(?:[0-9a-f]{2})+$/i.test(written)) return Buffer.from(written, 'hex')
  return /^[\w+/-]+={0,2}$/.test(written) ? Buffer.from(written, 'base64url') : undefined
}

export const key = text((value) => {
  const bytes = keyBytes(value)
  if (bytes === undefined) return 'must be at least 32 random bytes in base64url or hexadecimal'
  if (bytes.length < 32) return `must be at least 32 random bytes in base64url or hexadecimal, but is ${bytes.length} bytes`
  return new Set(bytes).size < 12 ? 'must be random: it repeats itself' : undefined
})
