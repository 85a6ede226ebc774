/**
 * How Keyward fetches what a client or an operator has published, and asks FHIR servers: the one way
 * out for every URL that somebody else wrote. https only, no redirect, public
 * addresses only, and those very addresses are the ones connected to;
 * little, plain and soon, or not at all. What is done with an answer, and how long it is
 * kept, is its user's business.
 *
 * A host that can't be reached is left alone for a while. Hosts of the development list may be asked
 * over http and wherever they are.
 */
import { Resolver } from 'node:dns/promises'
import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { hostAndPort } from '../config/uris.ts'
import { isPublicAddress } from './addresses.ts'
import { createGates } from './breakers.ts'

/** Why there is no answer, for the log and the audit trail: fixed texts. */
export type OutboundFailure =
  | 'url-not-allowed'
  | 'host-not-found'
  | 'address-not-allowed'
  | 'host-left-alone'
  | 'unreachable'
  | 'timed-out'
  /** It began to answer, and did not come to an end. */
  | 'unfinished'
  | 'status'
  | 'encoded'
  | 'too-long'

/** `status` is there where `failure` is 'status'. */
export type OutboundAnswer =
  | { ok: true; body: Buffer; headers: IncomingHttpHeaders }
  | { ok: false; failure: OutboundFailure; status?: number }

export interface Outbound {
  /** The body of a 200 answer; no other is one. `authorization` is the header of that name. */
  get(url: string, accept: string, authorization?: string): Promise<OutboundAnswer>
}

interface Deps {
  /** `host:port`: development only. */
  allowedHosts?: readonly string[]
  /** In milliseconds. */
  now: () => number
  /** Which addresses may be connected to: those of the public internet, unless told otherwise. */
  isAllowed?: (address: string) => boolean
  /** `address:port` of DNS servers, in place of the system's. */
  nameServers?: readonly string[]
  /** Where other bounds than the usual ones suit what is asked for: in milliseconds, and in bytes. */
  patience?: number
  mostBytes?: number
}

/** All of it: name, connection, answer. In milliseconds. */
const PATIENCE = 2000
const MOST_BYTES = 65_536
const NOTHING_CAME = new Set<OutboundFailure>(['unreachable', 'timed-out', 'host-not-found'])

class Failed extends Error {
  readonly failure: OutboundFailure
  readonly status: number | undefined
  constructor(failure: OutboundFailure, { status, ...options }: ErrorOptions & { status?: number | undefined } = {}) {
    super(failure, options)
    this.failure = failure
    this.status = status
  }
}

export function createOutbound(deps: Deps): Outbound {
  const { allowedHosts = [], now, isAllowed = isPublicAddress, nameServers, patience = PATIENCE, mostBytes = MOST_BYTES } = deps
  const gates = createGates({ now })

  async function lookupFor({ hostname }: URL, signal: AbortSignal): Promise<LookupFunction> {
    const literal = hostname.replace(/^\[|\]$/g, '')
    const addresses = isIP(literal) ? [literal] : await addressesOf(hostname, signal, nameServers)
    if (addresses.length === 0) throw new Failed(signal.aborted ? 'timed-out' : 'host-not-found')
    // One forbidden address among others is not skipped: such a name was made to lead there.
    if (!addresses.every(isAllowed)) throw new Failed('address-not-allowed')
    return pinned(addresses)
  }

  return {
    async get(given, accept, authorization) {
      const url = URL.parse(given)
      if (!url) return { ok: false, failure: 'url-not-allowed' }
      const host = hostAndPort(url)
      const allowed = allowedHosts.includes(host)
      const open = url.protocol === 'https:' || (allowed && url.protocol === 'http:')
      if (!open || url.username !== '' || url.password !== '') return { ok: false, failure: 'url-not-allowed' }
      const tell = gates.enter(host, `${url.origin}${url.pathname}${url.search}`)
      if (!tell) return { ok: false, failure: 'host-left-alone' }
      const seen = { connection: false }
      const signal = AbortSignal.timeout(patience)
      try {
        const lookup = allowed ? undefined : await lookupFor(url, signal)
        const answer = await ask(url, { accept, authorization, signal, lookup, mostBytes, seen })
        tell('answered')
        return { ok: true, ...answer }
      } catch (problem) {
        const failure = problem instanceof Failed ? problem.failure : signal.aborted ? 'timed-out' : 'unreachable'
        // A host that answers, if only wrongly, is there: others on it are not to suffer.
        tell(NOTHING_CAME.has(failure) ? (seen.connection ? 'silent' : 'not-reached') : 'answered')
        const status = problem instanceof Failed ? problem.status : undefined
        return { ok: false, failure, ...(status === undefined ? {} : { status }) }
      }
    }
  }
}

interface Asking {
  accept: string
  authorization: string | undefined
  signal: AbortSignal
  lookup: LookupFunction | undefined
  mostBytes: number
  seen: { connection: boolean }
}

async function ask(url: URL, { accept, authorization, signal, lookup, mostBytes, seen }: Asking) {
  const options = {
    method: 'GET',
    headers: { accept, 'accept-encoding': 'identity', 'user-agent': 'Keyward', ...(authorization ? { authorization } : {}) },
    // No connection outlives its answer: nothing is pinned, and nothing left open, behind a later look.
    agent: false,
    signal,
    ...(lookup ? { lookup } : {})
  }
  const isSecure = url.protocol === 'https:'
  const request = isSecure ? httpsRequest(url, options) : httpRequest(url, options)
  request.once('socket', (socket) => {
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      seen.connection = true
    })
  })
  try {
    const response = await answerTo(request)
    if (response.statusCode !== 200) throw new Failed('status', { status: response.statusCode })
    if ((response.headers['content-encoding'] ?? 'identity') !== 'identity') throw new Failed('encoded')
    return { body: await bodyOf(response, mostBytes), headers: response.headers }
  } finally {
    request.destroy()
  }
}

function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve)
    // For as long as the request lives: destroying it may complain once more.
    request.on('error', reject)
    request.end()
  })
}

async function bodyOf(response: IncomingMessage, most: number): Promise<Buffer> {
  if (Number(response.headers['content-length'] ?? 0) > most) throw new Failed('too-long')
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of response) {
      length += chunk.length
      if (length > most) throw new Failed('too-long')
      chunks.push(chunk)
    }
  } catch (cause) {
    throw cause instanceof Failed ? cause : new Failed('unfinished', { cause })
  }
  return Buffer.concat(chunks)
}

/** Connects to no other addresses than those that were looked at. */
function pinned(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }))
  return (_hostname, { all }, callback) => {
    const [first] = found
    if (all) callback(null, found)
    else if (first) callback(null, first.address, first.family)
  }
}

/** By DNS alone, and not in the thread pool, where names that are never answered would keep passwords from being hashed. */
async function addressesOf(hostname: string, signal: AbortSignal, nameServers?: readonly string[]): Promise<string[]> {
  const resolver = new Resolver({ timeout: 1000, tries: 2 })
  if (nameServers) resolver.setServers(nameServers)
  const cancel = () => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    const found = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    return found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}
