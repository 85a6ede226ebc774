/**
 * Who asks: an id for the request, the address it comes from, and whether it
 * came over https. Forwarding headers are believed from trusted proxies only;
 * from anybody else they are removed before anything can read them.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { BlockList, isIP } from 'node:net'
import type { Context, Middleware } from 'koa'

const FORWARDING =
  /^(forwarded|x-forwarded-.*|x-real-ip|x-original-.*|true-client-ip|x-client-ip|(x-)?(ssl-)?client-(cert|verify|dn|s-dn).*|x-ssl-.*)$/

interface RequestContextOptions {
  trustedProxies: readonly string[]
  /** An https issuer is reached over https, whatever stands in front and forgets to say so: links and cookies follow the issuer. */
  issuer?: string
}

export function requestContext(options: RequestContextOptions): Middleware {
  const isHttps = options.issuer?.startsWith('https:') === true
  const trusted = blockListOf(options.trustedProxies)
  const isTrusted = (address: string) => trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  const hasProxies = options.trustedProxies.length > 0

  return (ctx, next) => {
    const { headers, socket } = ctx.req
    const peer = plainAddress(socket.remoteAddress ?? '') ?? '0.0.0.0'
    const said = takeForwarding(headers)
    const believed = hasProxies && said && isTrusted(peer) ? said : undefined

    const address = believed ? clientAddress(believed.hops, peer, isTrusted) : peer
    const encrypted = 'encrypted' in socket && socket.encrypted === true
    if (believed?.host !== undefined) headers.host = believed.host
    if (isHttps || encrypted || believed?.protocol === 'https') {
      // Put back in one clean value, for contexts that the engine makes itself from the bare request.
      headers['x-forwarded-proto'] = 'https'
      Object.defineProperty(ctx.request, 'protocol', { value: 'https' })
    }

    ctx.request.ip = address
    const requestId = randomUUID()
    ctx.state.requestId = requestId
    ctx.state.address = address
    ctx.res.setHeader('X-Request-Id', requestId)
    return next()
  }
}

/** Where a request comes from, for the audit trail and the limits. */
export function sourceOf(ctx: Context): { requestId: string; address: string } {
  const { requestId, address }: { requestId?: unknown; address?: unknown } = ctx.state
  if (typeof requestId !== 'string' || typeof address !== 'string') throw new Error('requestContext has not seen this request')
  return { requestId, address }
}

/** What limits count by. One household or phone has a whole IPv6 /64: its addresses are one key. */
export function limitKeyOf(address: string): string {
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.split('::')
  const left = groupsOf(head)
  const right = tail === undefined ? [] : groupsOf(tail)
  const all =
    tail === undefined ? left : [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right]
  const prefix = all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${prefix.join(':')}::/64`
}

function groupsOf(part: string): string[] {
  // A dotted ending stands for two groups; no more than their number matters within the first 64 bits.
  return part === '' ? [] : part.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]))
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

interface Forwarding {
  hops: string[]
  protocol: string | undefined
  host: string | undefined
}

/** What forwarding headers say, undefined where there are none; afterwards the request has none. */
function takeForwarding(headers: IncomingHttpHeaders): Forwarding | undefined {
  const found = Object.keys(headers).filter((name) => FORWARDING.test(name))
  if (found.length === 0) return undefined
  const values = (name: string) =>
    String(headers[name] ?? '')
      .split(',')
      .map((value) => value.trim())
      .filter((value) => value !== '')
  // The last value is the one that the nearest proxy wrote.
  const said = {
    hops: values('x-forwarded-for'),
    protocol: values('x-forwarded-proto').at(-1)?.toLowerCase(),
    host: values('x-forwarded-host').at(-1)
  }
  for (const name of found) delete headers[name]
  return said
}

/** The nearest hop that is not one of our proxies. A hop that is no address ends the walk: it proves nothing. */
function clientAddress(hops: string[], peer: string, isTrusted: (address: string) => boolean): string {
  let address = peer
  for (const hop of hops.toReversed()) {
    if (!isTrusted(address)) break
    const next = plainAddress(hop)
    if (next === undefined) break
    address = next
  }
  return address
}

/** Without port, brackets and zone; an IPv4 address in IPv6 clothes becomes IPv4. */
function plainAddress(text: string): string | undefined {
  if (isIP(text) === 4) return text
  const bare = (/^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text).replace(/%.*$/, '')
  const address = /^::ffff:([\d.]+)$/i.exec(bare)?.[1] ?? bare
  return isIP(address) === 0 ? undefined : address.toLowerCase()
}
