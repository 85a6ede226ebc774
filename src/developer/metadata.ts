/**
 * What an app may say of itself when it registers (RFC 7591 §2), held to the very rules of the configuration and to some of
 * its own: nothing that only an operator gives is ever taken from it, every address is https and none is of this machine or
 * network. Members that are not known are ignored. Nothing is fetched here.
 */
import { isIP } from 'node:net'
import { isDeceiving } from '../config/app-words.ts'
import { client as clientSchema } from '../config/client-schema.ts'
import type { ClientConfig } from '../config/config.ts'
import { isMapping } from '../config/mapping.ts'
import { outlineOf } from '../config/outline.ts'
import { brokenRules } from '../config/rules.ts'
import { hostAndPort } from '../config/uris.ts'
import { isPublicAddress } from '../web/addresses.ts'

export interface AppMetadata {
  client: ClientConfig
  launchUrls: string[]
}

/** RFC 7591 §3.2.2 */
export interface MetadataProblem {
  error: 'invalid_redirect_uri' | 'invalid_client_metadata'
  /** The member that it is about. */
  member: string
  description: string
}

/** What is taken from the wire as it is, once it is right; smart_scope, launch_urls and scope_reasons are read by themselves. */
const TAKEN = [
  'client_name',
  'client_uri',
  'logo_uri',
  'policy_uri',
  'tos_uri',
  'contacts',
  'application_type',
  'token_endpoint_auth_method',
  'jwks',
  'jwks_uri',
  'token_endpoint_auth_signing_alg',
  'privacy_answers',
  'grant_types',
  'redirect_uris',
  'response_types'
] as const

const MOST_MEMBERS = 10
const LONGEST = 2000
const LONGEST_SCOPE = 4000
const LONGEST_NAME = 100
const DEEPEST = 4
/** RFC 3986 §2. An operator is shown addresses on a terminal, and is not to be shown more than an address. */
const ADDRESS = /^[\x21-\x7e]*$/

class Wrong extends Error {
  readonly member: string
  constructor(member: string, message: string) {
    super(`${member} ${message}`)
    this.member = member
  }
}

export function readMetadata(
  said: unknown,
  { clientId, allowedHosts }: { clientId: string; allowedHosts: readonly string[] }
): AppMetadata | MetadataProblem {
  try {
    if (!isMapping(said)) throw new Wrong('the body', 'must be a JSON object')
    return read(said, clientId, allowedHosts)
  } catch (error) {
    if (!(error instanceof Wrong)) throw error
    const isRedirect = error.member.startsWith('redirect_uris')
    const { member, message } = error
    const [about = ''] = member.split('.')
    return { error: isRedirect ? 'invalid_redirect_uri' : 'invalid_client_metadata', member: about, description: message }
  }
}

function read(said: Record<string, unknown>, clientId: string, allowedHosts: readonly string[]): AppMetadata {
  checkAddresses(said, allowedHosts)
  const taken = TAKEN.flatMap((name) => (Object.hasOwn(said, name) ? [[name, bounded(name, said[name])] as const] : []))
  const scope = scopeOf(said)
  const launchUrls = launchUrlsOf(said)
  const [launchUrl] = launchUrls
  const candidate: Record<string, unknown> = {
    ...Object.fromEntries(taken),
    client_id: clientId,
    smart_scope: scope,
    ...reasonsOf(said),
    ...(launchUrl === undefined ? {} : { launch_url: launchUrl })
  }
  const { client_name: name, grant_types: grants } = candidate
  if (typeof name !== 'string' || name.length > LONGEST_NAME || isDeceiving(name))
    throw new Wrong('client_name', `must be a name of at most ${LONGEST_NAME} characters, without control characters`)
  if (Array.isArray(grants) && grants.includes('client_credentials'))
    throw new Wrong('grant_types', 'must not have client_credentials: the operator of this server registers such clients')
  const method = candidate.token_endpoint_auth_method ?? 'client_secret_basic'
  const checked = clientSchema.safeParse(candidate)
  const issue = checked.error?.issues[0]
  if (issue) throw new Wrong(issue.path.join('.'), issue.code === 'invalid_type' ? `must be: ${issue.expected}` : issue.message)
  // The secret is made once everything else is right: the rules only ask whether there is one.
  const withSecret = method === 'client_secret_basic' ? { ...candidate, client_secret: 'made by the server' } : candidate
  const [broken] = brokenRules(outlineOf({ clients: [withSecret], outbound: { allowedHosts } }))
  if (broken) throw new Wrong(broken.path.slice(2).join('.'), broken.message)
  if (!checked.success) throw new Error('a schema refuses without saying why')
  const client = checked.data
  for (const uri of client.redirect_uris) {
    if (uri.startsWith('http:') && client.application_type !== 'native')
      throw new Wrong('redirect_uris', 'must be https: http at a loopback address needs application_type native')
  }
  return { client, launchUrls }
}

/** Of known and unknown members alike: an address that a browser would run, or that leads inside, has no business here. */
function checkAddresses(said: Record<string, unknown>, allowedHosts: readonly string[]): void {
  for (const [name, value] of Object.entries(said)) {
    if (!/_(uri|url)s?$/.test(name)) continue
    const all: unknown[] = Array.isArray(value) ? value : [value]
    if (all.some((one) => typeof one === 'string' && !ADDRESS.test(one)))
      throw new Wrong(name, 'must be written in ASCII, without spaces and controls')
    if (name === 'redirect_uris') continue
    for (const one of all) {
      const url = typeof one === 'string' && one.length <= LONGEST ? URL.parse(one) : null
      if (url === null) throw new Wrong(name, `must be an absolute URL of at most ${LONGEST} characters`)
      if (name === 'jwks_uri' && allowedHosts.includes(hostAndPort(url))) continue
      if (url.protocol !== 'https:') throw new Wrong(name, 'must be an https URL')
      if (!isOutside(url.hostname)) throw new Wrong(name, 'must be at a public address')
    }
  }
}

/** What a name resolves to is looked at when it is fetched, and then each time. */
function isOutside(hostname: string): boolean {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
  if (isIP(bare) !== 0) return isPublicAddress(bare)
  const isName = bare.length <= 253 && bare.split('.').every((label) => /^[\w-]{1,63}$/.test(label))
  return isName && bare.includes('.') && !/\.(localhost|local|internal|home\.arpa|onion)$/.test(bare)
}

/** Small enough to keep and to show, whatever it is. */
function bounded(name: string, value: unknown, depth = 0): unknown {
  const isLarge =
    depth > DEEPEST ||
    (typeof value === 'string' && value.length > LONGEST) ||
    (typeof value === 'object' && value !== null && Object.keys(value).length > MOST_MEMBERS)
  if (isLarge) throw new Wrong(name, `must have at most ${MOST_MEMBERS} members, of at most ${LONGEST} characters each`)
  if (typeof value === 'object' && value !== null) {
    if (Object.hasOwn(value, '__proto__')) throw new Wrong(name, 'must not have a member __proto__')
    for (const member of Object.values(value)) bounded(name, member, depth + 1)
  }
  return value
}

function scopeOf(said: Record<string, unknown>): string {
  const scope = Object.hasOwn(said, 'scope') ? said.scope : ''
  if (typeof scope !== 'string' || scope.length > LONGEST_SCOPE)
    throw new Wrong('scope', `must be scopes with one space between two, at most ${LONGEST_SCOPE} characters`)
  if (/(^| )(__|system\/)/.test(scope))
    throw new Wrong('scope', "must have no system/ scope and none of this server's own: its operator gives those")
  return scope
}

function launchUrlsOf(said: Record<string, unknown>): string[] {
  const { launch_url: one, launch_urls: all = one === undefined ? [] : [one] } = said
  const list: unknown[] = Array.isArray(all) ? all : []
  const urls = list.filter((url) => typeof url === 'string')
  if (!Array.isArray(all) || urls.length !== list.length || urls.length > MOST_MEMBERS)
    throw new Wrong('launch_urls', `must be a list of at most ${MOST_MEMBERS} URLs`)
  return urls
}

/** As many as there are scopes, so that the general bound is too low for them. */
function reasonsOf(said: Record<string, unknown>): { scope_reasons?: unknown } {
  if (!Object.hasOwn(said, 'scope_reasons')) return {}
  const { scope_reasons: reasons } = said
  if (isMapping(reasons) && Object.hasOwn(reasons, '__proto__'))
    throw new Wrong('scope_reasons', 'must not have a member __proto__')
  return { scope_reasons: reasons }
}
