/**
 * The form of the configuration file: names, types, defaults, and rules about
 * one value by itself. What several values must agree on is in rules.ts, what
 * production asks for in production-rules.ts. The descriptions are what
 * operators read: docs/configuration.md and config/keyward.schema.json are made
 * from them (`node config/generate.ts`).
 */
import { z } from 'zod'
import { account } from './account-schema.ts'
import { brands } from './brand-schema.ts'
import { client } from './client-schema.ts'
import type { Config } from './config.ts'
import { duration, durationOrNone, key, network, pattern, serverId, text, words } from './fields.ts'
import { baseUrlProblem, storeProblem } from './uris.ts'

const listen = z.strictObject({
  host: words.default('127.0.0.1').describe('The address to listen at. 0.0.0.0 is every address of this machine.'),
  port: z
    .int('must be a whole number')
    .min(0, 'must be from 0 to 65535')
    .max(65_535, 'must be from 0 to 65535')
    .default(9000)
    .describe('The port to listen at; 0 takes any free one.'),
  trustedProxies: z
    .array(network)
    .default([])
    .describe(
      'IP addresses or networks (10.0.0.0/8) of the proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. Nobody else is.'
    ),
  tls: z
    .strictObject({
      certFile: words.describe('The certificate with its chain, PEM.'),
      keyFile: words.describe('Its private key, PEM.')
    })
    .nullable()
    .default(null)
    .describe(
      'A certificate where Keyward itself answers https; null behind a proxy that does. Relative paths start at the folder of this file.'
    ),
  drainDelay: durationOrNone('5m')
    .prefault('5s')
    .describe(
      'How long a process that has been told to end (SIGTERM) still takes requests, while /readyz says 503: longer than a load balancer needs to notice. At most 5m; 0s where there is none, as in the demo.'
    )
})

const organization = z.strictObject({
  name: words.describe('The organisation that people know: every page shows it.'),
  supportPhone: words.describe('The number that pages give to people who need help.'),
  accentColor: pattern(/^#[0-9a-fA-F]{6}$/, 'must be a colour such as "#0b6e6e"')
    .default('#0b6e6e')
    .describe('The colour of buttons and links, six hexadecimal digits in quotes.')
})

const factorPolicy = z.enum(['required', 'optional', 'off'], 'must be required, optional or off').default('required')

const secondFactor = z.strictObject({
  patients: factorPolicy.describe(
    'One-time codes for patients: asked for at every sign-in, only where the person has set them up, or never.'
  ),
  clinicians: factorPolicy.describe('The same for clinicians.'),
  developers: factorPolicy.describe('The same for the developers of apps.')
})

const consent = z.strictObject({
  startTicked: z
    .enum(['requested', 'none'], 'must be requested or none')
    .default('requested')
    .describe('How the boxes of the consent page start: ticked for what the app asked for, or none of them.')
})

const lifetimes = z.strictObject({
  authorizationCode: duration('10m').prefault('60s').describe('An authorization code, until it is redeemed. At most 10m.'),
  accessToken: duration('1h').prefault('15m').describe('An access token of a person. At most 1h.'),
  backendAccessToken: duration('5m')
    .prefault('5m')
    .describe('An access token of a backend service, which has no person. At most 5m.'),
  refreshToken: duration().prefault('93d').describe('A refresh token since its last use.'),
  refreshRetry: durationOrNone('60s')
    .prefault('10s')
    .describe(
      'How long a refresh token that was just used may be sent again by an app that got no answer: it gets the same tokens, as long as nobody has used them to refresh. At most 60s; 0s is never, so that every second use ends the connection.'
    ),
  session: duration().prefault('12h').describe('A sign-in in one browser, at most.'),
  idle: duration().prefault('30m').describe('A sign-in in a browser that does nothing.')
})

const tries = z.int('must be a whole number').min(1, 'must be at least 1')

const limits = z.strictObject({
  window: duration().prefault('15m').describe('The time within which tries are counted.'),
  passwordsPerAccount: tries.default(10).describe('Passwords for one account.'),
  codesPerAccount: tries.default(10).describe('One-time codes for one account.'),
  signInsPerAddress: tries
    .default(500)
    .describe('Failed sign-ins, and failed codes, from one IP address: an IPv6 /64 counts as one.'),
  authorizationsPerAddress: tries
    .default(2000)
    .describe('Sign-in pages opened from one address by people who then do not sign in.'),
  refusalsPerAddress: tries
    .default(2000)
    .describe(
      'Requests from one address that are refused, such as those with a wrong secret, code or token: from the next one on they are answered with 429, and the audit trail counts them. What is not refused is never limited.'
    ),
  refusalsPerClient: tries.default(20_000).describe('The same for the requests of one client, from all addresses.'),
  searchesPerAccount: tries
    .default(500)
    .describe('Pages of searches at a FHIR server, and records looked up there, by Keyward itself for one account.')
})

const registration = z.strictObject({
  enabled: z
    .boolean('must be true or false')
    .default(false)
    .describe('Whether apps may register themselves at /register (RFC 7591), each with an invitation of yours.'),
  perDay: z
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .default(100)
    .describe('How many may within a day. Those that nobody uses for 90 days are forgotten.')
})

const log = z.strictObject({
  level: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'], 'must be debug, info, warn, error or silent')
    .default('info')
    .describe('The least important line that is written.')
})

const outbound = z.strictObject({
  allowedHosts: z
    .array(pattern(/^[a-z0-9.-]+:\d{1,5}$|^\[[0-9a-f:]+\]:\d{1,5}$/, 'must be a host and a port such as localhost:9006'))
    .default([])
    .describe(
      'For development: hosts, each with its port, that are asked over http as well and at addresses of this machine or a private network. Production refuses it.'
    )
})

const secrets = z.strictObject({
  sealingKeys: z
    .array(
      z.strictObject({
        id: z
          .int('must be a whole number')
          .min(1, 'must be from 1 to 255')
          .max(255, 'must be from 1 to 255')
          .describe('Names the key in what it sealed.'),
        key: key.describe('At least 32 random bytes, base64url or hexadecimal.')
      })
    )
    .min(1, 'must have at least one key')
    .describe(
      'Keys that seal the records of the store. The first one seals, all of them open: put a new key first and keep the old one.'
    ),
  lookupKey: key.describe(
    'The key under which user names are hashed: at least 32 random bytes, base64url or hexadecimal. It can never change.'
  ),
  cookieKeys: z
    .array(key)
    .min(1, 'must have at least one key')
    .describe(
      'Keys that sign cookies, at least 32 random bytes each, base64url or hexadecimal. The first one signs, all of them are accepted.'
    )
})

const fhirServer = z.strictObject({
  id: serverId.describe('Part of URLs and of records: it can never change.'),
  baseUrl: text(baseUrlProblem).describe('The FHIR base URL as apps send it in `aud`, without a slash at its end.'),
  enforces: z
    .strictObject({
      categories: z
        .array(pattern(/^[A-Z][A-Za-z]*$/, 'must be a FHIR resource type'))
        .default([])
        .describe(
          'Resource types for which this server honours a `category` in a scope. Only these are offered by category on the consent page.'
        ),
      parameters: z
        .array(pattern(/^(\*|[A-Z][A-Za-z]*)\.[A-Za-z_][\w:.-]*$/, 'must be a FHIR resource type, a dot and a search parameter'))
        .optional()
        .describe(
          'Other search parameters that this server honours in a scope, each as type, dot and parameter (Observation.code, or with * for every type). A scope with any other is not given.'
        )
    })
    .prefault({})
    .describe('What this server can hold apart when it checks a token.'),
  sandbox: z
    .boolean('must be true or false')
    .default(false)
    .describe(
      'true: this server holds test records only, and apps that registered themselves may use it. The others are closed to them until you approve them.'
    ),
  introspectedBy: z
    .array(words)
    .default([])
    .describe('client_ids of the FHIR servers that may ask about tokens for this base URL.'),
  accessTokenFormat: z
    .enum(['opaque', 'jwt'], 'must be opaque or jwt')
    .default('opaque')
    .describe(
      'What apps get for this server. jwt is for a server that can only check signatures: JWTs by RFC 9068, which last five minutes at most. Only such a token still works there, for what is left of those minutes, after its access has ended.'
    ),
  patientSearch: z
    .strictObject({
      as: pattern(/^[\x21-\x7e]{1,100}$/, 'must be letters, digits and other visible characters of ASCII, at most 100').describe(
        'The client_id that such a token names. It must be the client_id of no client.'
      )
    })
    .optional()
    .describe(
      'Lets Keyward search this server for the people of a standalone launch, by tokens of 30 seconds that it makes for itself: clinicians find their patient, and whoever the app asks it of picks a visit or another record. Without it, no clinician launches an app for one patient from outside the EHR.'
    )
})

const sections = z.strictObject({
  demo: z
    .boolean('must be true or false')
    .default(false)
    .describe('true accepts secrets written into this file, http, and keys made on the first start. Never for real records.'),
  issuer: text(baseUrlProblem).describe(
    'The address of Keyward as browsers and apps see it, without a slash at its end. https, unless `demo` is true. It can never change.'
  ),
  listen: listen.prefault({}).describe('Where Keyward answers.'),
  store: text(storeProblem)
    .default('sqlite:./data/keyward.db')
    .describe(
      'Where records are kept: `sqlite:<file>`; one Redis, `redis://[user:password@]host[:port][/db]`; Redis by Sentinel, `redis+sentinel://[user:password@]host[:port],host[:port]/primary`; Redis Cluster, `redis+cluster://[user:password@]host[:port],host[:port]`. `rediss` in place of `redis` is TLS, with the options `?ca=<file>`, and `cert=<file>&key=<file>` for a client certificate; where the Sentinels ask for a login themselves, `?sentinelUser=&sentinelPassword=`. Other characters than letters, digits and `-._~` in a password are percent-encoded. Relative paths start at the working directory. Must be given in production.'
    ),
  organization: organization.describe('Who runs this server, for the people who meet its pages.'),
  secondFactor: secondFactor.prefault({}).describe('Who gives a one-time code (TOTP) after the password.'),
  consent: consent.prefault({}).describe('The page that asks what an app may see.'),
  lifetimes: lifetimes.prefault({}).describe('How long things last. A length of time is a whole number and s, m, h or d.'),
  limits: limits
    .prefault({})
    .describe('How often sign-in may be tried, and what else may be refused or left unfinished, over all replicas.'),
  registration: registration.prefault({}).describe('Apps that register themselves.'),
  log: log.prefault({}).describe('The log: one JSON object a line, on standard output.'),
  outbound: outbound
    .prefault({})
    .describe("What Keyward itself fetches, such as a client's jwks_uri: over https, from public addresses only."),
  secrets: secrets
    .exactOptional()
    .describe('The keys of this installation. Must be given in production; the demo makes its own.'),
  fhirServers: z.array(fhirServer).default([]).describe('The FHIR servers whose tokens Keyward gives out.'),
  brands: brands
    .exactOptional()
    .describe('User-access brands: who the organisations behind the FHIR servers are, published at /brands for apps to show.'),
  clients: z
    .array(client)
    .prefault([])
    .describe('Apps and FHIR servers, in the member names of RFC 7591. They win over clients of the same id in the store.'),
  accounts: z
    .array(account)
    .default([])
    .describe('Accounts to create where the user name is not taken. Later changes here change nothing.')
})

/** What is read is a Config: a type that differs doesn't compile here, a name that only one of them has doesn't compile below. */
export const configSchema: z.ZodType<Config, unknown> = sections

type Names<T> = T extends readonly (infer Member)[]
  ? Names<Member>[]
  : T extends object
    ? { [Name in keyof T]-?: Names<NonNullable<T[Name]>> }
    : ''
type Same<A, B> = [A, B] extends [B, A] ? true : never
true satisfies Same<Names<Config>, Names<z.output<typeof sections>>>
