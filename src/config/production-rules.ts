/** What a server with real records must not do, and the demo may. A start is production unless the file says `demo: true`. */
import type { Path, Problem } from './config-error.ts'
import { printPath } from './config-error.ts'
import type { Outline } from './outline.ts'
import type { Sourced } from './secret-settings.ts'
import { holders, SECRET_SETTINGS } from './secret-settings.ts'
import { readRedisUrl } from './store-url.ts'
import { isLoopback } from './uris.ts'

/** Pieces of the passwords, TOTP keys and secrets that our own documents print: known to everybody. */
const KNOWN_TO_EVERYBODY = ['correcthorse', 'jbswy3dpehpk3pxp', 'fhir-secret', 'ehr-secret', 'password', 'change-me', 'changeme']

export function brokenProductionRules(outline: Outline, sources: Sourced): Problem[] {
  const { issuer, store, secrets, fhirServers, clients, accounts, outbound } = outline
  const problems: Problem[] = [...plainSecrets(sources)]
  const refuse = (broken: boolean, path: Path, message: string) => {
    if (broken) problems.push({ path, message })
  }

  refuse(issuer?.startsWith('http:') === true, ['issuer'], 'must be https in production')
  refuse(store === undefined, ['store'], 'is required in production')
  refuse(store?.startsWith('sqlite::memory:') === true, ['store'], 'must not be in memory in production')
  refuse(secrets === undefined, ['secrets'], 'is required in production: sealingKeys, lookupKey and cookieKeys')
  fhirServers.forEach(({ baseUrl }, at) => {
    const url = URL.parse(baseUrl ?? '')
    refuse(url?.protocol === 'http:' && !isLoopback(url.hostname), ['fhirServers', at, 'baseUrl'], 'must be https in production')
  })
  refuse(outbound.allowedHosts.length > 0, ['outbound', 'allowedHosts'], 'must be empty in production')
  clients.forEach(({ client_secret: secret, jwks_uri: keys }, at) => {
    refuse(keys?.startsWith('http:') === true, ['clients', at, 'jwks_uri'], 'must be https in production')
    if (secret === undefined) return
    const path = ['clients', at, 'client_secret']
    refuse(secret.length < 32, path, 'must have at least 32 characters in production')
    refuse(isKnown(secret), path, 'must not be the secret of an example')
  })
  for (const [at, { key }] of secrets?.sealingKeys.entries() ?? [])
    refuse(isKnown(key), ['secrets', 'sealingKeys', at, 'key'], 'must not be the key of an example')
  refuse(isKnown(secrets?.lookupKey), ['secrets', 'lookupKey'], 'must not be the key of an example')
  for (const [at, key] of secrets?.cookieKeys.entries() ?? [])
    refuse(isKnown(key), ['secrets', 'cookieKeys', at], 'must not be the key of an example')
  accounts.forEach(({ password, totp }, at) => {
    refuse(isKnown(password), ['accounts', at, 'password'], 'must not be the password of an example')
    refuse(isKnown(totp), ['accounts', at, 'totp'], 'must not be the key of an example')
  })
  return problems
}

function isKnown(secret: string | undefined): boolean {
  const plain = secret?.toLowerCase().replaceAll(/\s/g, '') ?? ''
  return KNOWN_TO_EVERYBODY.some((piece) => plain.includes(piece))
}

/** Where the address can't be understood, it may. */
function holdsPassword(store: string): boolean {
  if (store.startsWith('sqlite:')) return false
  const redis = readRedisUrl(store)
  if (typeof redis === 'string') return store.includes('@')
  return redis.login.password !== undefined || redis.sentinelLogin.password !== undefined
}

function plainSecrets({ tree, outside }: Sourced): Problem[] {
  return SECRET_SETTINGS.flatMap((setting) =>
    holders(tree, setting.path).flatMap(({ holder, path }) => {
      const name = setting.path.at(-1) ?? ''
      const value = holder[name]
      const places: [Path, unknown][] =
        setting.list === true && Array.isArray(value)
          ? value.map((member: unknown, at) => [[...path, name, at], member])
          : [[[...path, name], value]]
      return places.flatMap(([place, secret]): Problem[] => {
        if (typeof secret !== 'string' || outside.has(printPath(place))) return []
        // A store's address is no secret, but for the password in it.
        if (name === 'store' && !holdsPassword(secret)) return []
        return [
          { path: place, message: `must come from outside this file in production: \${NAME} of the environment, or ${name}File` }
        ]
      })
    })
  )
}
