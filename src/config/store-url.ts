/**
 * The address of a Redis, taken apart:
 *
 *   redis://[user:password@]host[:port][/db]
 *   redis+sentinel://[user:password@]host[:port],host[:port]/primary
 *   redis+cluster://[user:password@]host[:port],host[:port]
 *
 * `?replicas=1` behind it: a write counts once so many replicas have it. `rediss` in place of `redis` is TLS. Own parsing, because an address with several hosts is none to URL. What it says about
 * a wrong address never quotes it: it may hold a password.
 */
export interface RedisUrl {
  form: 'single' | 'sentinel' | 'cluster'
  hosts: { host: string; port: number }[]
  login: Login
  /** 0 but for a single server. */
  db: number
  /** The name by which Sentinels know the primary; empty in the other forms. */
  primary: string
  /** What the Sentinels themselves ask for, where they do. */
  sentinelLogin: Login
  /** How many replicas must have a write before it counts. */
  replicas: number
  /** Files; undefined: without TLS. */
  tls: { ca?: string; cert?: string; key?: string } | undefined
}

export interface Login {
  username?: string
  password?: string
}

export const STORE_FORMS =
  'must be sqlite:<file>, redis://<host>:<port>, redis+sentinel://<host>:<port>,<host>:<port>/<primary> or redis+cluster://<host>:<port>,<host>:<port> (over TLS: rediss in place of redis)'

const REDIS_URL = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^/?#]*)@)?([^/?#@]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/
const HOST = /^([\w.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i
const REPLICAS = 'replicas'
const TLS_OPTIONS = ['ca', 'cert', 'key']
const SENTINEL_OPTIONS = ['sentinelUser', 'sentinelPassword']

/** A string is the end of a sentence: what is wrong. */
export function readRedisUrl(text: string): RedisUrl | string {
  const [found, s, form = 'single', userinfo, authority = '', path = '', query = ''] = REDIS_URL.exec(text) ?? []
  if (found === undefined || !isForm(form)) return STORE_FORMS
  const hosts = authority.split(',').map((each) => readHost(each, form === 'sentinel' ? 26_379 : 6379))
  const known = hosts.filter((host) => host !== undefined)
  if (known.length < hosts.length || (form === 'single' && hosts.length > 1)) return STORE_FORMS

  const login = readLogin(userinfo)
  if (login === undefined) return "must have a user's name and password as user:password@, with % where a character is encoded"
  const options = new Map(new URLSearchParams(query))
  const allowed = [REPLICAS, ...(s ? TLS_OPTIONS : []), ...(form === 'sentinel' ? SENTINEL_OPTIONS : [])]
  if ([...options.keys()].some((name) => !allowed.includes(name)))
    return `must have no other options than ${[REPLICAS, ...SENTINEL_OPTIONS.map((name) => `${name} (Sentinel)`), ...TLS_OPTIONS.map((name) => `${name} (rediss)`)].join(', ')}`
  const replicas = options.get(REPLICAS) ?? '0'
  if (!/^\d$/.test(replicas)) return 'must have a number from 0 to 9 as replicas'
  if (options.has('cert') !== options.has('key')) return 'must have both of the options cert and key, or neither'
  if (options.has('sentinelUser') && !options.has('sentinelPassword'))
    return 'must have sentinelPassword where it has sentinelUser'

  if (form === 'sentinel' && !/^[\w.-]+$/.test(path))
    return 'must name the primary after its Sentinels: redis+sentinel://<host>:<port>,<host>:<port>/<primary>'
  if (form === 'single' && !/^\d*$/.test(path))
    return 'must have the number of a database, or nothing, after the host: redis://<host>:<port>/0'
  if (form === 'cluster' && path !== '') return 'must have nothing after its hosts: a Cluster has one database'
  return {
    form,
    hosts: known,
    login,
    db: form === 'single' ? Number(path) : 0,
    primary: form === 'sentinel' ? path : '',
    sentinelLogin: named({ username: options.get('sentinelUser'), password: options.get('sentinelPassword') }),
    replicas: Number(replicas),
    tls: s ? named({ ca: options.get('ca'), cert: options.get('cert'), key: options.get('key') }) : undefined
  }
}

const isForm = (text: string): text is RedisUrl['form'] => ['single', 'sentinel', 'cluster'].includes(text)

function readHost(text: string, usualPort: number): { host: string; port: number } | undefined {
  const [, host, port] = HOST.exec(text) ?? []
  const number = port === undefined ? usualPort : Number(port)
  if (host === undefined || number < 1 || number > 65_535) return undefined
  return { host: host.replace(/^\[|\]$/g, ''), port: number }
}

/** Undefined where it can't be decoded, or is a name without a password. */
function readLogin(userinfo: string | undefined): Login | undefined {
  if (userinfo === undefined || userinfo === '') return {}
  const [, username = '', password] = /^([^:]*):(.*)$/.exec(userinfo) ?? []
  if (!password) return undefined
  try {
    return named({ username: decodeURIComponent(username) || undefined, password: decodeURIComponent(password) })
  } catch {
    return undefined
  }
}

/** Without the members that are undefined. */
function named<K extends string>(members: Record<K, string | undefined>): { [Name in K]?: string } {
  const known: { [Name in K]?: string } = {}
  for (const name in members) if (members[name] !== undefined) known[name] = members[name]
  return known
}
