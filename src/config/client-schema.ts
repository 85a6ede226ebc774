/** One entry of `clients`: RFC 7591 members, and Keyward's own. What its members must agree on is in rules.ts. */
import { z } from 'zod'
import { privacyAnswers, scopeReasons } from './app-words.ts'
import { duration, pattern, scope, serverId, text, words } from './fields.ts'
import { ASSERTION_ALGORITHMS, readPublicJwk } from './public-jwk.ts'
import { redirectUriProblem, webUriProblem } from './uris.ts'

/** What an EHR can say when it launches an app: members of the launch context, and its user. */
const LAUNCH_KINDS = [
  'user',
  'patient',
  'encounter',
  'fhirContext',
  'intent',
  'need_patient_banner',
  'smart_style_url',
  'tenant',
  'appContext'
] as const

const page = text(webUriProblem)

const publicJwk = z
  .looseObject({ kid: words.describe('Names the key: the header of an assertion says the same.') })
  .check((field) => {
    const read = readPublicJwk(field.value)
    if (typeof read === 'string') field.issues.push({ code: 'custom', message: read, input: field.value })
  })

const origin = text((value) => {
  const problem = webUriProblem(value)
  return (
    problem ?? (URL.parse(value)?.origin === value ? undefined : 'must be an origin such as https://ehr.example, without a path')
  )
})

const jwks = z.strictObject({
  keys: z
    .array(publicJwk)
    .min(1, 'must have at least one key')
    .refine((keys) => new Set(keys.map(({ kid }) => kid)).size === keys.length, 'must have each kid once')
    .describe('Public JSON Web Keys with a kid each: RSA of 2048 bits or more (RS384), or EC on P-384 (ES384).')
})

const userAssertionIssuer = z.strictObject({
  issuer: words.describe('The iss of its assertions; the client_id of the EHR itself: those that it signs with its own keys.'),
  jwks: jwks.optional().describe('Its public keys.'),
  jwks_uri: page.optional().describe('In place of jwks: where it publishes them.')
})

export const client = z
  .strictObject({
    client_id: pattern(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable ASCII characters without a space').describe(
      'The id that the app sends.'
    ),
    client_name: words.describe('The name that people see.'),
    client_uri: page.optional().describe('Home page of the app.'),
    logo_uri: page.optional().describe('Logo of the app.'),
    policy_uri: page.optional().describe('Privacy policy of the app.'),
    tos_uri: page.optional().describe('Terms of the app.'),
    contacts: z.array(pattern(z.regexes.html5Email, 'must be a mail address')).optional().describe('Whom to ask about this app.'),
    application_type: z
      .enum(['web', 'native'], 'must be web or native')
      .optional()
      .describe('native: redirect URIs may use a private-use scheme such as com.example.app:/callback.'),
    token_endpoint_auth_method: z
      .enum(['none', 'client_secret_basic', 'private_key_jwt'], 'must be none, client_secret_basic or private_key_jwt')
      .default('client_secret_basic')
      .describe(
        'none: a public client, which can keep no secret. client_secret_basic: a secret, sent by HTTP Basic. private_key_jwt: an assertion signed with a key of its own.'
      ),
    client_secret: words.optional().describe('The secret of a client_secret_basic client. At least 32 characters in production.'),
    jwks: jwks.optional().describe('The public keys of a private_key_jwt client.'),
    jwks_uri: text(webUriProblem)
      .optional()
      .describe(
        'In place of jwks: where the client publishes its keys, which it can then change by itself. https, at a public address; http only for hosts that outbound.allowedHosts names.'
      ),
    token_endpoint_auth_signing_alg: z
      .enum(ASSERTION_ALGORITHMS, 'must be RS384 or ES384')
      .optional()
      .describe('The one algorithm of the assertions of a private_key_jwt client. Without it, either.'),
    grant_types: z
      .array(
        z.enum(
          ['authorization_code', 'refresh_token', 'client_credentials'],
          'must be authorization_code, refresh_token or client_credentials'
        )
      )
      .default(['authorization_code'])
      .describe('What the client may use at the token endpoint. Empty for a FHIR server that only introspects.'),
    redirect_uris: z
      .array(text(redirectUriProblem))
      .default([])
      .describe('Where people return to, compared letter by letter. https; http only for localhost and loopback addresses.'),
    response_types: z
      .array(z.literal('code', 'must be code'))
      .optional()
      .describe('[code], which is the default where authorization_code is among the grant types; otherwise empty.'),
    verified: z
      .boolean('must be true or false')
      .default(false)
      .describe('Whether your organisation has checked this app. The consent page says which.'),
    approved_for_clinicians: z
      .boolean('must be true or false')
      .default(false)
      .describe(
        'true: your organisation has approved this app for its clinicians, who are then not asked for consent. Patients always are.'
      ),
    launch_url: page.optional().describe('Where an EHR launch of this app starts.'),
    smart_scope: scope
      .default('')
      .describe('The scopes that this client may ask for, with a space between two. Wildcards cover what they name.'),
    scope_reasons: scopeReasons
      .optional()
      .describe('Why the app asks for each of its scopes, in its own words, by scope: people are shown it when they decide.'),
    privacy_answers: privacyAnswers
      .optional()
      .describe('What the app says it does with data: people are shown it when they decide.'),
    fhir_servers: z
      .array(serverId)
      .default([])
      .describe(
        'For the grant type client_credentials: ids of the FHIR servers for which it may get tokens. Empty where there is only one FHIR server, and then that one.'
      ),
    refresh_token_lifetime: duration()
      .optional()
      .describe(
        'A refresh token of this client since its last use, in place of lifetimes.refreshToken. Certification asks for three months at least where people connect an app themselves.'
      ),
    refresh_token_absolute: duration()
      .optional()
      .describe(
        'How long after the first refresh token of a connection the last one ends, whatever use it is in. Without it, never.'
      ),
    launch_contexts: z
      .array(serverId)
      .default([])
      .describe('For an EHR: ids of the FHIR servers for which it may create launch contexts.'),
    launch_apps: z
      .array(words)
      .optional()
      .describe('For an EHR: client_ids of the apps that it may launch. Without it, every app.'),
    launch_kinds: z
      .array(z.enum(LAUNCH_KINDS, `must be one of ${LAUNCH_KINDS.join(', ')}`))
      .optional()
      .describe('For an EHR: what its launch contexts may say. Without it, everything.'),
    user_assertion_issuers: z
      .array(userAssertionIssuer)
      .optional()
      .describe(
        'For an EHR: whose signed word on who its user is is believed. A clinician needs no second sign-in for an app that is in launch_apps and approved_for_clinicians. Without it, nobody’s.'
      ),
    frame_origins: z
      .array(origin)
      .optional()
      .describe(
        'For an EHR: origins of its pages that open apps in a frame, such as https://ehr.example. Without it, launches in a frame show nothing.'
      ),
    disabled: z.boolean('must be true or false').default(false).describe('true refuses everything to this client.')
  })
  .transform((given) => ({
    ...given,
    response_types: given.response_types ?? (given.grant_types.includes('authorization_code') ? ['code'] : [])
  }))
