/**
 * Authorization requests that the app has signed (JAR): what stands in the object counts, and nothing beside it. Its
 * `aud` is this server, so the FHIR server is named by `resource` there. Only registered keys of the app verify it.
 *
 * RFC 9101 §6.2, §6.3, §10.8
 */
import { KeyObject } from 'node:crypto'
import type { ClientKeys } from '../clients/client-keys.ts'
import type { Clients } from '../clients/clients.ts'
import { isSignedBy, type Members, membersOf, partsOf, REFUSED_HEADERS } from '../clients/compact-jws.ts'
import { ASSERTION_ALGORITHMS } from '../config/public-jwk.ts'

export type RequestObject = { ok: true; params: URLSearchParams } | { ok: false; description: string; reason: string }

export interface RequestObjects {
  /** The parameters in a signed request object of the client that the request names. */
  read(written: string, clientId: string | undefined): Promise<RequestObject>
}

interface Deps {
  issuer: string
  clients: Clients
  keys: ClientKeys
  now: () => number
}

const LONGEST = 32_768
/** How long it may be good for, and how far the app's clock may be off, in seconds. */
const LONGEST_LIFE = 3600
const CLOCK_SKEW = 30
/** About the object, not of the request. */
const CLAIMS = new Set(['iss', 'aud', 'exp', 'nbf', 'iat', 'jti'])
const TYPES: readonly unknown[] = [undefined, 'JWT', 'oauth-authz-req+jwt']

export function createRequestObjects({ issuer, clients, keys, now }: Deps): RequestObjects {
  return {
    async read(written, clientId) {
      const parts = partsOf(written, LONGEST)
      const [head, claims] = parts ? [membersOf(parts.header), membersOf(parts.payload)] : []
      if (!parts || !head || !claims || clientId === undefined) return refused('request must be a signed JWT, beside a client_id')
      const alg = ASSERTION_ALGORITHMS.find((one) => one === head.get('alg'))
      const [kid, jku] = [head.get('kid'), head.get('jku')]
      if (!alg || typeof kid !== 'string' || !TYPES.includes(head.get('typ')))
        return refused(`the header of request must have a kid and the alg ${ASSERTION_ALGORITHMS.join(' or ')}`)
      if (REFUSED_HEADERS.some((name) => head.has(name)) || (jku !== undefined && typeof jku !== 'string'))
        return refused('the header of request must not bring a key or change how it is read')
      const client = await clients.find(clientId)
      const key = client && (await keys.find(client, { alg, kid, jku }))
      if (!(key instanceof KeyObject)) return refused('no registered key verifies request', `key: ${key ?? 'unknown-client'}`)
      if (!isSignedBy(key, parts)) return refused('no registered key verifies request', 'wrong-signature')
      const problem = problemOf(claims, clientId)
      return problem === undefined ? { ok: true, params: paramsOf(claims, clientId) } : refused(problem)
    }
  }

  function problemOf(claims: Members, clientId: string): string | undefined {
    const aud = claims.get('aud')
    if (claims.get('iss') !== clientId) return 'iss of request must be the client_id'
    if (!(Array.isArray(aud) ? aud : [aud]).includes(issuer))
      return `aud of request must be ${issuer}; name the FHIR server by resource`
    const named = claims.get('client_id')
    if (named !== undefined && named !== clientId) return 'client_id differs inside and outside of request'
    // A client's assertion of who it is would have these. RFC 9101 §10.8
    if (claims.has('sub')) return 'request must not have a sub'
    if (claims.has('request') || claims.has('request_uri')) return 'request must not hold another request'
    const seconds = now() / 1000
    const exp = claims.get('exp')
    if (typeof exp !== 'number' || exp <= seconds - CLOCK_SKEW || exp > seconds + LONGEST_LIFE + CLOCK_SKEW)
      return `exp of request must be a time within the next ${LONGEST_LIFE} seconds`
    const early = ['nbf', 'iat'].find((name) => {
      const time = claims.get(name)
      return time !== undefined && !(typeof time === 'number' && time <= seconds + CLOCK_SKEW)
    })
    return early && `${early} of request is in the future`
  }
}

/** Values that are no text or number can't be parameters, and are left out: the checks that follow miss what is needed. */
function paramsOf(claims: Members, clientId: string): URLSearchParams {
  const params = new URLSearchParams({ client_id: clientId })
  for (const [name, value] of claims) {
    if (CLAIMS.has(name) || name === 'client_id') continue
    if (typeof value === 'string' || typeof value === 'number') params.set(name === 'resource' ? 'aud' : name, String(value))
  }
  return params
}

function refused(description: string, reason = description): RequestObject {
  return { ok: false, description, reason }
}
