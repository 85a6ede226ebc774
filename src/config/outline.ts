/**
 * The parts of a configuration that rules compare with each other, read so
 * leniently that every rule runs over a file with other mistakes as well: what
 * is wrong by itself is absent here, and reported by the schema.
 */
import { z } from 'zod'

const word = z.string().optional().catch(undefined)
const list = <T extends z.ZodType>(member: T) => z.array(member).catch([])
const wordList = list(z.string().catch(''))

const client = z.object({
  client_id: word,
  application_type: word,
  token_endpoint_auth_method: z.string().catch('client_secret_basic'),
  client_secret: word,
  jwks: z.unknown().optional(),
  jwks_uri: word,
  smart_scope: word,
  scope_reasons: z.record(z.string(), z.unknown()).catch({}),
  fhir_servers: wordList,
  grant_types: z.array(z.string()).catch(['authorization_code']),
  response_types: z.array(z.string()).optional().catch(undefined),
  redirect_uris: wordList,
  launch_contexts: wordList,
  launch_apps: wordList,
  user_assertion_issuers: list(z.object({ issuer: word, jwks: z.unknown().optional(), jwks_uri: word }).catch({}))
})

const person = z.object({ fhirServer: word, patients: list(z.object({ id: word }).catch({})) })

const fhirServer = z.object({
  id: word,
  baseUrl: word,
  introspectedBy: wordList,
  patientSearch: z.object({ as: word }).optional().catch(undefined)
})

const outlineSchema = z.object({
  issuer: word,
  store: word,
  outbound: z.object({ allowedHosts: wordList }).catch({ allowedHosts: [] }),
  lifetimes: z.object({ session: word, idle: word }).catch({}),
  secrets: z
    .object({
      sealingKeys: list(z.object({ id: z.number().optional().catch(undefined), key: word }).catch({})),
      lookupKey: word,
      cookieKeys: wordList
    })
    .optional()
    .catch(undefined),
  fhirServers: list(fhirServer.catch({ introspectedBy: [] })),
  clients: list(
    client.catch({
      token_endpoint_auth_method: 'none',
      scope_reasons: {},
      grant_types: [],
      redirect_uris: [],
      launch_contexts: [],
      launch_apps: [],
      user_assertion_issuers: [],
      fhir_servers: []
    })
  ),
  accounts: list(
    z
      .object({ username: word, password: word, totp: word, role: word, people: list(person.catch({ patients: [] })) })
      .catch({ people: [] })
  )
})

export type Outline = z.output<typeof outlineSchema>
export type ClientOutline = Outline['clients'][number]

export function outlineOf(tree: unknown): Outline {
  return outlineSchema.parse(tree)
}
