/**
 * Authorization requests that wait under a one-time id for the browser to come with it: what an app pushed (RFC 9126),
 * and what a browser posted, so that it may come back by GET, with its cookies. What the parameters mean is not looked at here.
 */
import { randomBytes } from 'node:crypto'
import type { Kind, Store } from '../store/store.ts'

interface PushedRequest {
  /** The parameters, form-encoded as they came. */
  query: string
  /** Who pushed it; absent where a browser brought it, and nobody has authenticated. */
  clientId?: string
}

export interface PushedRequests {
  /** The `request_uri` under which the parameters are good once, for `lifetime` seconds. */
  push(request: PushedRequest, lifetime: number): Promise<string>
  /** The form-encoded parameters. Undefined: unknown, too old, used before, or pushed by another client. */
  redeem(requestUri: string, clientId: string | undefined): Promise<string | undefined>
}

const PREFIX = 'urn:ietf:params:oauth:request_uri:'

const pushedRequests: Kind<PushedRequest> = { name: 'pushed-request' }

export function isPushed(requestUri: string): boolean {
  return requestUri.startsWith(PREFIX)
}

export function createPushedRequests({ store, now }: { store: Store; now: () => number }): PushedRequests {
  return {
    async push(request, lifetime) {
      const id = randomBytes(32).toString('base64url')
      await store.put(pushedRequests, id, request, { expiresAt: now() + lifetime * 1000 })
      return `${PREFIX}${id}`
    },
    async redeem(requestUri, clientId) {
      const id = requestUri.slice(PREFIX.length)
      const found = await store.read(pushedRequests, id)
      // Another client's try spends nothing. RFC 9126 §4
      if (!found || found.record.clientId !== clientId) return undefined
      const spent = await store.commit([{ kind: pushedRequests, id, remove: true, ifVersion: found.version }])
      return spent ? found.record.query : undefined
    }
  }
}
