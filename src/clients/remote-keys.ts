/**
 * The keys that clients publish at their `jwks_uri`. Kept no longer than the
 * answer's Cache-Control says, and at most an hour; fetched once for all who wait; fetched
 * anew for a kid that isn't there, so that a new key works at once; and left
 * alone for a moment after a failure. Keys whose time is over are never used again.
 *
 * SMART App Launch 2.2, "Registering a client with a public key"; RFC 9111 §5.2.2
 */
import type { KeyObject } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { AssertionAlgorithm } from '../config/public-jwk.ts'
import type { Outbound, OutboundFailure } from '../web/outbound.ts'
import { type KeyProblem, type KeySet, readKeySet } from './key-set.ts'

export type RemoteKeysProblem = OutboundFailure | 'no-key-set' | 'failed-a-moment-ago' | 'asked-too-often'

export interface RemoteKeys {
  find(uri: string, kid: string, alg: AssertionAlgorithm): Promise<KeyObject | KeyProblem | RemoteKeysProblem>
}

interface Address {
  keys?: KeySet
  /** Epoch milliseconds, both. */
  keptUntil: number
  failedUntil: number
  fetching?: Promise<KeySet | RemoteKeysProblem>
  /** How many fetches are left, and since when that counts: an assertion that anybody made up must not make us ask without end. */
  tokens: number
  countedAt: number
}

const LONGEST_KEPT = 3_600_000
/** Without a word from the server about it. */
const KEPT_OTHERWISE = 60_000
const LEFT_ALONE_AFTER_FAILURE = 5000
/** So many fetches at once, and then one for each of these milliseconds. */
const MOST_FETCHES = 20
const ONE_FETCH_EACH = 1000
const MOST_ADDRESSES = 10_000

export function createRemoteKeys({ outbound, now }: { outbound: Outbound; now: () => number }): RemoteKeys {
  const addresses = new Map<string, Address>()

  function addressOf(uri: string): Address {
    const known = addresses.get(uri)
    if (known) return known
    if (addresses.size >= MOST_ADDRESSES) addresses.clear()
    const made: Address = { keptUntil: 0, failedUntil: 0, tokens: MOST_FETCHES, countedAt: now() }
    addresses.set(uri, made)
    return made
  }

  async function fetchInto(address: Address, uri: string): Promise<KeySet | RemoteKeysProblem> {
    const asked = now()
    const answer = await outbound.get(uri, 'application/json')
    const keys = answer.ok ? readKeySet(parse(answer.body)) : undefined
    if (!answer.ok || !keys) {
      address.failedUntil = now() + LEFT_ALONE_AFTER_FAILURE
      return answer.ok ? 'no-key-set' : answer.failure
    }
    address.keys = keys
    address.keptUntil = asked + lifetimeOf(answer.headers, asked)
    return keys
  }

  function fetchOnce(uri: string): Promise<KeySet | RemoteKeysProblem> | RemoteKeysProblem {
    const address = addressOf(uri)
    if (address.fetching) return address.fetching
    if (now() < address.failedUntil) return 'failed-a-moment-ago'
    if (!mayFetch(address, now())) return 'asked-too-often'
    address.fetching = fetchInto(address, uri).finally(() => {
      delete address.fetching
    })
    return address.fetching
  }

  return {
    async find(uri, kid, alg) {
      const { keys, keptUntil } = addressOf(uri)
      const kept = keys && now() < keptUntil ? keys.find(kid, alg) : 'no-such-key'
      if (kept !== 'no-such-key') return kept
      const fetched = await fetchOnce(uri)
      return typeof fetched === 'string' ? fetched : fetched.find(kid, alg)
    }
  }
}

function mayFetch(address: Address, now: number): boolean {
  const tokens = Math.min(MOST_FETCHES, address.tokens + Math.max(0, now - address.countedAt) / ONE_FETCH_EACH)
  address.countedAt = now
  address.tokens = tokens < 1 ? tokens : tokens - 1
  return tokens >= 1
}

/** How long an answer may be kept, in milliseconds: what a cache has had it for already counts. RFC 9111 §4.2 */
function lifetimeOf(headers: IncomingHttpHeaders, now: number): number {
  const directives = (headers['cache-control'] ?? '')
    .toLowerCase()
    .split(',')
    .map((one) => one.trim())
  if (directives.some((one) => /^(no-store|no-cache)\b/.test(one))) return 0
  const ages = directives.filter((one) => one.startsWith('max-age')).map((one) => /^max-age="?(\d{1,10})"?$/.exec(one)?.[1])
  const told = ages.length > 0 ? Math.min(...ages.map((age) => Number(age ?? 0))) * 1000 : untilExpiry(headers.expires, now)
  const age = /^\d{1,10}$/.test(headers.age ?? '') ? Number(headers.age) * 1000 : 0
  return Math.max(0, Math.min(told - age, LONGEST_KEPT))
}

/** RFC 9111 §5.3: a date that is none has passed. */
function untilExpiry(expires: string | undefined, now: number): number {
  if (expires === undefined) return KEPT_OTHERWISE
  const at = Date.parse(expires)
  return Number.isNaN(at) ? 0 : Math.min(at - now, KEPT_OTHERWISE)
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}
