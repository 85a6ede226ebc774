/** What several settings must agree on. Each rule runs whatever the others found. */
import type { Path, Problem } from './config-error.ts'
import { printPath } from './config-error.ts'
import { parseDuration } from './durations.ts'
import type { ClientOutline, Outline } from './outline.ts'
import { hostAndPort, isLoopbackOverTls, isPrivateUse } from './uris.ts'

export function brokenRules(outline: Outline): Problem[] {
  return [
    ...doubles(outline),
    ...outline.clients.flatMap((client, at) => clientProblems(client, ['clients', at])),
    ...unfetchable(outline),
    ...unknownNames(outline),
    ...ownNames(outline),
    ...lifetimeProblems(outline),
    ...keyProblems(outline)
  ]
}

/** User names are compared roughly here; accounts/username.ts says when two are the same, and keeps them so. */
function doubles({ clients, fhirServers, accounts }: Outline): Problem[] {
  return [
    ...doublesOf(clients.map((client, at) => [['clients', at, 'client_id'], client.client_id])),
    ...doublesOf(fhirServers.map((server, at) => [['fhirServers', at, 'id'], server.id])),
    ...doublesOf(fhirServers.map((server, at) => [['fhirServers', at, 'baseUrl'], server.baseUrl])),
    ...doublesOf(
      accounts.map((account, at) => [['accounts', at, 'username'], account.username?.normalize('NFKC').trim().toLowerCase()])
    ),
    ...accounts.flatMap(({ people }, account) => [
      ...doublesOf(people.map((person, at) => [['accounts', account, 'people', at, 'fhirServer'], person.fhirServer])),
      ...people.flatMap(({ patients }, person) =>
        doublesOf(patients.map((patient, at) => [['accounts', account, 'people', person, 'patients', at, 'id'], patient.id]))
      )
    ])
  ]
}

function doublesOf(values: (readonly [Path, string | undefined])[]): Problem[] {
  const first = new Map<string, Path>()
  const problems: Problem[] = []
  for (const [path, value] of values) {
    if (value === undefined) continue
    const before = first.get(value)
    if (before === undefined) first.set(value, path)
    else problems.push({ path, message: `must be different from ${printPath(before)}, but both are ${JSON.stringify(value)}` })
  }
  return problems
}

function clientProblems(client: ClientOutline, path: Path): Problem[] {
  const { grant_types: grants, response_types: responses } = client
  const interactive = grants.includes('authorization_code')
  const isPublic = client.token_endpoint_auth_method === 'none'
  const rules: [boolean, string, string][] = [
    [
      isPublic && client.client_secret !== undefined,
      'client_secret',
      'must not be given: with token_endpoint_auth_method none there is no secret'
    ],
    [
      client.token_endpoint_auth_method === 'client_secret_basic' && client.client_secret === undefined,
      'client_secret',
      'is required by token_endpoint_auth_method client_secret_basic'
    ],
    [
      interactive && client.redirect_uris.length === 0,
      'redirect_uris',
      'must have at least one member for the grant type authorization_code'
    ],
    [grants.includes('refresh_token') && !interactive, 'grant_types', 'must have authorization_code where it has refresh_token'],
    [
      interactive && responses !== undefined && !responses.includes('code'),
      'response_types',
      'must have code for the grant type authorization_code'
    ],
    [!interactive && (responses?.length ?? 0) > 0, 'response_types', 'must be empty without the grant type authorization_code'],
    [
      client.launch_contexts.length > 0 && !/(^| )__launch_context( |$)/.test(client.smart_scope ?? ''),
      'launch_contexts',
      'must be empty without __launch_context in smart_scope, by which an EHR may create launch contexts'
    ],
    [
      Object.keys(client.scope_reasons).some((scope) => !(client.smart_scope ?? '').split(' ').includes(scope)),
      'scope_reasons',
      'must name scopes that the app may ask for, as they are written there'
    ],
    ...keyRules(client)
  ]
  const schemes: Problem[] = client.redirect_uris.flatMap((uri, at) =>
    isPrivateUse(uri) && client.application_type !== 'native'
      ? [{ path: [...path, 'redirect_uris', at], message: 'must use https: a private-use scheme needs application_type native' }]
      : []
  )
  const certificates: Problem[] = client.redirect_uris.flatMap((uri, at) =>
    isLoopbackOverTls(uri) && client.application_type === 'native'
      ? [
          {
            path: [...path, 'redirect_uris', at],
            message: 'must be http: a native app has no certificate for a loopback address'
          }
        ]
      : []
  )
  return [
    ...rules.flatMap(([broken, name, message]) => (broken ? [{ path: [...path, name], message }] : [])),
    ...schemes,
    ...certificates
  ]
}

/** 128 random bits in base64url, as accounts/accounts.ts makes them. */
const FORM_OF_SUB = /^[\w-]{21}[AQgw]$/

/** Of clients that authenticate by an assertion, and of what only they may do. */
function keyRules(client: ClientOutline): [boolean, string, string][] {
  const { jwks, jwks_uri: uri, grant_types: grants, token_endpoint_auth_method: method } = client
  const hasKey = method === 'private_key_jwt'
  const service = grants.includes('client_credentials')
  const needsKey = 'must not be given without token_endpoint_auth_method private_key_jwt'
  return [
    [!hasKey && jwks !== undefined, 'jwks', needsKey],
    [!hasKey && uri !== undefined, 'jwks_uri', needsKey],
    [hasKey && client.client_secret !== undefined, 'client_secret', 'must not be given: a private_key_jwt client has no secret'],
    [
      hasKey && jwks === undefined && uri === undefined,
      'jwks',
      'is required by token_endpoint_auth_method private_key_jwt, or jwks_uri'
    ],
    [jwks !== undefined && uri !== undefined, 'jwks_uri', 'must not be given beside jwks'],
    [
      // Introspection names the client as the subject of its own tokens.
      service && FORM_OF_SUB.test(client.client_id ?? ''),
      'client_id',
      "must not have the form of a person's sub, 22 letters and digits that end in A, Q, g or w, with the grant type client_credentials"
    ],
    [
      service && !hasKey,
      'grant_types',
      'must not have client_credentials without token_endpoint_auth_method private_key_jwt: a shared secret is not enough for it'
    ],
    [
      !service && /(^| )system\//.test(client.smart_scope ?? ''),
      'smart_scope',
      'must have no system/ scope without the grant type client_credentials'
    ],
    [
      !service && /(^| )__(launch_context|introspect)( |$)/.test(client.smart_scope ?? ''),
      'smart_scope',
      "must have no scope of Keyward's own API without the grant type client_credentials"
    ],
    [!service && client.fhir_servers.length > 0, 'fhir_servers', 'must be empty without the grant type client_credentials']
  ]
}

/** What is fetched over http would be anybody's keys. */
function unfetchable({ clients, outbound }: Outline): Problem[] {
  return clients.flatMap(({ jwks_uri: uri }, at) => {
    const url = URL.parse(uri ?? '')
    if (url?.protocol !== 'http:' || outbound.allowedHosts.includes(hostAndPort(url))) return []
    return [
      { path: ['clients', at, 'jwks_uri'], message: 'must be https: http is only for hosts that outbound.allowedHosts names' }
    ]
  })
}

function unknownNames({ clients, fhirServers, accounts }: Outline): Problem[] {
  const servers = new Set(fhirServers.map((server) => server.id))
  const confidential = new Map(clients.map((client) => [client.client_id, client.token_endpoint_auth_method !== 'none']))
  const problems: Problem[] = []
  const mustBeServer = (path: Path, id: string | undefined) => {
    if (id !== undefined && !servers.has(id))
      problems.push({ path, message: `must be the id of one of fhirServers, but is ${JSON.stringify(id)}` })
  }
  fhirServers.forEach((server, at) => {
    server.introspectedBy.forEach((id, place) => {
      const path = ['fhirServers', at, 'introspectedBy', place]
      if (!confidential.has(id))
        problems.push({ path, message: `must be the client_id of one of clients, but is ${JSON.stringify(id)}` })
      else if (confidential.get(id) === false)
        problems.push({ path, message: `must name a client that has a secret or a key, but ${JSON.stringify(id)} is public` })
    })
  })
  clients.forEach((client, at) => {
    client.launch_contexts.forEach((id, place) => {
      mustBeServer(['clients', at, 'launch_contexts', place], id)
    })
    client.launch_apps.forEach((id, place) => {
      if (confidential.has(id)) return
      const message = `must be the client_id of one of clients, but is ${JSON.stringify(id)}`
      problems.push({ path: ['clients', at, 'launch_apps', place], message })
    })
    client.user_assertion_issuers.forEach(({ issuer, jwks, jwks_uri: uri }, place) => {
      const path = ['clients', at, 'user_assertion_issuers', place]
      const sources = [jwks, uri].filter((one) => one !== undefined).length
      if (issuer === client.client_id && sources > 0)
        problems.push({ path, message: 'must have neither jwks nor jwks_uri where it is the EHR itself: its own keys count' })
      if (issuer !== client.client_id && sources !== 1)
        problems.push({ path, message: 'must have jwks or jwks_uri, one of them' })
    })
    client.fhir_servers.forEach((id, place) => {
      mustBeServer(['clients', at, 'fhir_servers', place], id)
    })
    // Keyward's own API is no FHIR server.
    const isService = client.grant_types.includes('client_credentials') && !/^__\w+( __\w+)*$/.test(client.smart_scope ?? '')
    if (isService && client.fhir_servers.length === 0 && fhirServers.length > 1)
      problems.push({
        path: ['clients', at, 'fhir_servers'],
        message: 'must have at least one member where there are several FHIR servers'
      })
  })
  accounts.forEach((account, at) => {
    if (account.role === 'developer' && account.people.length > 0)
      problems.push({ path: ['accounts', at, 'people'], message: 'must be empty: a developer has no record to share' })
    account.people.forEach((person, place) => {
      mustBeServer(['accounts', at, 'people', place, 'fhirServer'], person.fhirServer)
    })
  })
  return problems
}

/** Keyward's own name at a FHIR server is nobody else's: no client could prove itself to be it, and none is mistaken for it. */
function ownNames({ clients, fhirServers }: Outline): Problem[] {
  const taken = new Set([...clients.map((client) => client.client_id), 'keyward-account'])
  return fhirServers.flatMap(({ patientSearch }, at) => {
    const path = ['fhirServers', at, 'patientSearch', 'as']
    const name = patientSearch?.as
    if (name === undefined) return []
    if (taken.has(name)) return [{ path, message: `must be a name that no client has, but a client is ${JSON.stringify(name)}` }]
    if (FORM_OF_SUB.test(name)) return [{ path, message: "must not have the form of a person's sub" }]
    if (name.startsWith('app-'))
      return [{ path, message: 'must not begin as the client_ids of apps do that register themselves, with app-' }]
    return []
  })
}

function lifetimeProblems({ lifetimes }: Outline): Problem[] {
  const idle = parseDuration(lifetimes.idle ?? '30m') ?? 0
  const session = parseDuration(lifetimes.session ?? '12h') ?? Number.POSITIVE_INFINITY
  return idle > session ? [{ path: ['lifetimes', 'idle'], message: 'must not be longer than lifetimes.session' }] : []
}

/** One key for two purposes would tie the fate of one to the other. */
function keyProblems({ secrets }: Outline): Problem[] {
  if (secrets === undefined) return []
  const keys: [Path, string | undefined][] = [
    ...secrets.sealingKeys.map(({ key }, at): [Path, string | undefined] => [['secrets', 'sealingKeys', at, 'key'], key]),
    [['secrets', 'lookupKey'], secrets.lookupKey],
    ...secrets.cookieKeys.map((key, at): [Path, string | undefined] => [['secrets', 'cookieKeys', at], key])
  ]
  const first = new Map<string, Path>()
  const ids = doublesOf(secrets.sealingKeys.map(({ id }, at) => [['secrets', 'sealingKeys', at, 'id'], id?.toString()]))
  return keys.reduce<Problem[]>((problems, [path, key]) => {
    if (key === undefined) return problems
    const before = first.get(key)
    if (before === undefined) first.set(key, path)
    else problems.push({ path, message: `must be another key than ${printPath(before)}` })
    return problems
  }, ids)
}
