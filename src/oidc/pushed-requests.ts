/**
 * Authorization requests that wait under a one-time id for the browser to come with it: what an app pushed (RFC 9126),
 * and what a browser posted, so that it may come back by GET, with its cookies. What the parameters mean is not looked at here.
 */
import { randomBytes } from 'node:crypto'
import type { Kind, Store } from '../store/store.ts'
import { PageError } from '../web/page-error.ts'
import { limitKeyOf } from '../web/request.ts'
import type { SharedLimit } from '../web/shared-limit.ts'

interface PushedRequest {
  /** The parameters, form-encoded as they came. */
  query: string
  /** Who pushed it; absent where a browser brought it. */
  clientId?: string
}

interface StoredRequest extends PushedRequest {
  /** What it was counted by, where nobody has authenticated. */
  counted?: string
}

export interface PushedRequests {
  /**
   * The `request_uri` under which the parameters are good once, for `lifetime` seconds. `anybodyAt`: the address of one who has
   * proved nothing; so many of theirs are kept until a browser comes with them, then it throws a PageError 429.
   */
  push(request: PushedRequest & { anybodyAt?: string | undefined }, lifetime: number): Promise<string>
  /** The form-encoded parameters. Undefined: unknown, too old, used before, or pushed by another client. */
  redeem(requestUri: string, clientId: string | undefined): Promise<string | undefined>
}

const PREFIX = 'urn:ietf:params:oauth:request_uri:'

const pushedRequests: Kind<StoredRequest> = { name: 'pushed-request' }

export function isPushed(requestUri: string): boolean {
  return requestUri.startsWith(PREFIX)
}

interface Deps {
  store: Store
  /** Of what is begun at an address by people who are not signed in. */
  limit: SharedLimit
  now: () => number
}

export function createPushedRequests({ store, limit, now }: Deps): PushedRequests {
  return {
    async push({ anybodyAt, ...request }, lifetime) {
      const counted = anybodyAt === undefined ? undefined : limitKeyOf(anybodyAt)
      const taken = counted === undefined ? undefined : await limit.take(counted)
      if (taken?.ok === false) throw new PageError(429, 'too-many', { retryAfter: taken.retryAfter })
      const id = randomBytes(32).toString('base64url')
      const record = { ...request, ...(counted === undefined ? {} : { counted }) }
      await store.put(pushedRequests, id, record, { expiresAt: now() + lifetime * 1000 })
      return `${PREFIX}${id}`
    },
    async redeem(requestUri, clientId) {
      const id = requestUri.slice(PREFIX.length)
      const found = await store.read(pushedRequests, id)
      // Another client's try spends nothing. RFC 9126 §4
      if (!found || found.record.clientId !== clientId) return undefined
      const spent = await store.commit([{ kind: pushedRequests, id, remove: true, ifVersion: found.version }])
      if (!spent) return undefined
      const { query, counted } = found.record
      if (counted !== undefined) await limit.giveBack(counted)
      return query
    }
  }
}
