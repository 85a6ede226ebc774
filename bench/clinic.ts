/** What both servers are given: the same app, FHIR server, scopes and people, in the form that each takes. */
import { createHash, randomBytes } from 'node:crypto'
import { type Alg, type ClientKey, newClientKey } from '../test/harness/backend-client.ts'

export const FHIR_BASE = 'http://localhost:9001/fhir'
export const FHIR_SERVER = { id: 'clinic-fhir', secret: 'fhir-secret-fhir-secret-fhir-secret' }
export const APP = { id: 'bench-app', redirectUri: 'http://localhost:9002/app' }

/** Backend services, one for each algorithm of their assertions. */
export const SERVICE_SCOPE = 'system/Patient.rs'

export interface BenchService {
  id: string
  key: ClientKey
}

export function newServices(): Record<Alg, BenchService> {
  const service = (alg: Alg): BenchService => ({ id: `bench-${alg}`, key: newClientKey(alg) })
  return { RS384: service('RS384'), ES384: service('ES384') }
}

const RESOURCES = ['patient/Patient.rs', 'patient/Observation.rs', 'patient/Condition.rs', 'patient/AllergyIntolerance.rs']
export const WITHOUT_ID_TOKEN = ['offline_access', 'launch/patient', ...RESOURCES].join(' ')
export const WITH_ID_TOKEN = `openid fhirUser ${WITHOUT_ID_TOKEN}`

export const VERIFIER = randomBytes(32).toString('base64url')
export const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url')

/** How many people sign in: one for each connection of the load. */
export const PEOPLE = 32
export const PASSWORD = 'correct horse battery staple'
export const usernameOf = (person: number): string => `person-${person}`

/** Preloaded tokens outlive every run, whatever the configured lifetime of new ones. */
export const PRELOADED_LIFETIME = 24 * 60 * 60

export const BASIC = `Basic ${Buffer.from(`${FHIR_SERVER.id}:${FHIR_SERVER.secret}`).toString('base64')}`

export function authorizationPath(path: string): string {
  const query = new URLSearchParams({
    client_id: APP.id,
    response_type: 'code',
    redirect_uri: APP.redirectUri,
    scope: WITH_ID_TOKEN,
    state: 'state-of-the-app',
    aud: FHIR_BASE,
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256'
  })
  return `${path}?${query}`
}

export interface Keys {
  sealing: string
  lookup: string
  cookie: string
}

export function newKeys(): Keys {
  const key = (): string => randomBytes(32).toString('base64url')
  return { sealing: key(), lookup: key(), cookie: key() }
}

export interface KeywardSettings {
  port: number
  store: string
  keys: Keys
  services: readonly BenchService[]
}

/** Keyward's configuration file. JSON is YAML. */
export function keywardYaml({ port, store, keys, services }: KeywardSettings): string {
  return JSON.stringify({
    demo: true,
    issuer: `http://localhost:${port}`,
    // Nothing stands in front that would have to turn away first.
    listen: { host: '127.0.0.1', port, drainDelay: '0s' },
    store,
    organization: { name: 'Bench clinic', supportPhone: '-' },
    // A one-time code is good once in 30 seconds; nobody could sign in often enough.
    secondFactor: { patients: 'off', clinicians: 'off' },
    limits: { signInsPerAddress: 1_000_000, authorizationsPerAddress: 1_000_000 },
    secrets: { sealingKeys: [{ id: 1, key: keys.sealing }], lookupKey: keys.lookup, cookieKeys: [keys.cookie] },
    fhirServers: [{ id: 'clinic', baseUrl: FHIR_BASE, introspectedBy: [FHIR_SERVER.id] }],
    clients: [
      {
        client_id: FHIR_SERVER.id,
        client_name: 'FHIR server',
        token_endpoint_auth_method: 'client_secret_basic',
        client_secret: FHIR_SERVER.secret,
        grant_types: [],
        redirect_uris: [],
        response_types: []
      },
      {
        client_id: APP.id,
        client_name: 'Bench app',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [APP.redirectUri],
        smart_scope: 'openid fhirUser offline_access launch/patient patient/*.rs'
      },
      ...services.map(({ id, key }) => ({
        client_id: id,
        client_name: id,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [key.jwk] },
        grant_types: ['client_credentials'],
        smart_scope: SERVICE_SCOPE
      }))
    ],
    accounts: Array.from({ length: PEOPLE }, (_, person) => ({
      username: usernameOf(person),
      password: PASSWORD,
      name: `Person ${person}`,
      role: 'patient',
      people: [
        {
          fhirServer: 'clinic',
          fhirUser: `Patient/p${person}`,
          patients: [{ id: `p${person}`, relationship: 'self', name: `Person ${person}` }]
        }
      ]
    }))
  })
}
