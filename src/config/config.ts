import type { Brands } from './brand-schema.ts'
import type { AssertionAlgorithm } from './public-jwk.ts'

/** What the rest of Keyward sees of the configuration: read, checked and frozen by read-config.ts. */
export interface Config {
  demo: boolean
  issuer: string
  listen: {
    host: string
    port: number
    trustedProxies: string[]
    tls: { certFile: string; keyFile: string } | null
    /** In seconds. */
    drainDelay: number
  }
  store: string
  organization: { name: string; supportPhone: string; accentColor: string }
  secondFactor: { patients: FactorPolicy; clinicians: FactorPolicy; developers: FactorPolicy }
  consent: { startTicked: 'requested' | 'none' }
  /** All in seconds. */
  lifetimes: {
    authorizationCode: number
    accessToken: number
    backendAccessToken: number
    refreshToken: number
    /** 0: none. */
    refreshRetry: number
    session: number
    idle: number
  }
  /** How many tries within a window of `window` seconds. */
  limits: {
    window: number
    passwordsPerAccount: number
    codesPerAccount: number
    signInsPerAddress: number
    authorizationsPerAddress: number
    refusalsPerAddress: number
    refusalsPerClient: number
    searchesPerAccount: number
  }
  /** Whether apps may register themselves, and how many within a day. */
  registration: { enabled: boolean; perDay: number }
  log: { level: 'debug' | 'info' | 'warn' | 'error' | 'silent' }
  /** `host:port` of what may be fetched over http and at private addresses: development only. */
  outbound: { allowedHosts: string[] }
  /** Present in production; in the demo, absent means: made on the first start, kept in a file beside the store. */
  secrets?: Secrets
  fhirServers: FhirServer[]
  /** Who the organisations behind them are; absent: not published. */
  brands?: Brands
  clients: ClientConfig[]
  accounts: AccountConfig[]
}

type FactorPolicy = 'required' | 'optional' | 'off'

/** Each key is at least 32 random bytes, base64url. The first of a list is the current one. */
export interface Secrets {
  sealingKeys: { id: number; key: string }[]
  lookupKey: string
  cookieKeys: string[]
}

export interface FhirServer {
  id: string
  baseUrl: string
  /** Resource types whose `category` this server enforces in a scope, and other search parameters, each as `Observation.code`. */
  enforces: { categories: string[]; parameters?: string[] | undefined }
  /** What apps get for this server, absent: opaque. */
  accessTokenFormat?: 'opaque' | 'jwt' | undefined
  /** Test records only: open to apps that registered themselves. */
  sandbox?: boolean | undefined
  /** client_ids */
  introspectedBy: string[]
  patientSearch?: { as: string } | undefined
}

/** RFC 7591 member names, and ours: verified, approved_for_clinicians, smart_scope, launch_url, launch_contexts. */
export interface ClientConfig {
  client_id: string
  client_name: string
  client_uri?: string | undefined
  logo_uri?: string | undefined
  policy_uri?: string | undefined
  tos_uri?: string | undefined
  contacts?: string[] | undefined
  application_type?: 'web' | 'native' | undefined
  token_endpoint_auth_method: 'none' | 'client_secret_basic' | 'private_key_jwt'
  client_secret?: string | undefined
  jwks?: { keys: { [member: string]: unknown; kid: string }[] } | undefined
  jwks_uri?: string | undefined
  token_endpoint_auth_signing_alg?: AssertionAlgorithm | undefined
  grant_types: string[]
  redirect_uris: string[]
  response_types: string[]
  verified: boolean
  launch_url?: string | undefined
  smart_scope: string
  /** In the app's own words, by scope. */
  scope_reasons?: Record<string, string> | undefined
  privacy_answers?: PrivacyAnswers | undefined
  /** FHIR server ids for which client_credentials gives tokens; empty: the only one there is. */
  fhir_servers: string[]
  /** In seconds, a refresh token since its last use, and from the first of its line to the end of the last; absent: as `lifetimes`, and no end. */
  refresh_token_lifetime?: number | undefined
  refresh_token_absolute?: number | undefined
  /** Clinicians are not asked for consent. */
  approved_for_clinicians: boolean
  /** FHIR server ids for which this client, an EHR, may create launch contexts. */
  launch_contexts: string[]
  /** client_ids of the apps that it may launch, and what it may say then; absent: all. */
  launch_apps?: string[] | undefined
  launch_kinds?: string[] | undefined
  /** Origins of an EHR's pages that open apps in a frame. */
  frame_origins?: string[] | undefined
  /** Whose signed word on who its user is is believed; absent: nobody's. */
  user_assertion_issuers?: (Pick<ClientConfig, 'jwks' | 'jwks_uri'> & { issuer: string })[] | undefined
  disabled: boolean
}

/** What an app says it does with data; absent: it has not answered. */
export interface PrivacyAnswers {
  shares?: 'no' | 'if-you-agree' | 'yes' | undefined
  sells?: 'no' | 'if-you-agree' | 'yes' | undefined
  advertises?: 'no' | 'yes' | undefined
  /** How long. */
  keeps?: 'no' | 'while-in-use' | 'longer' | undefined
  /** When the person asks. */
  deletes?: 'yes' | 'no' | undefined
}

export type Role = 'patient' | 'clinician' | 'developer'

export interface AccountConfig {
  username: string
  password: string
  totp?: string | undefined
  name: string
  role: Role
  people: Person[]
}

/** Who the account is at one FHIR server, and whose records it may share there. */
export interface Person {
  fhirServer: string
  fhirUser: string
  /** The most that apps of this person may have here; absent: no limit. */
  scope?: string | undefined
  /** `scope` is the most of this patient's record that may be shared; absent: no limit. */
  patients: { id: string; relationship: string; name: string; birthDate?: string | undefined; scope?: string | undefined }[]
}
