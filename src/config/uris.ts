/**
 * URIs of the configuration, each by itself: what is wrong with one, as the end of a sentence, or
 * undefined; and how it is told from others. What two settings must agree on is in
 * rules.ts.
 */
import { readRedisUrl } from './store-url.ts'

/** Schemes that a browser runs or reads locally instead of fetching; URL parsing has lower-cased them. */
const FORBIDDEN_SCHEMES = new Set(['javascript:', 'data:', 'vbscript:', 'blob:', 'file:', 'about:'])

/** A private-use scheme is a reversed domain name: com.example.app (RFC 8252 §7.1). */
const PRIVATE_USE_SCHEME = /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/

/** RFC 8252 §7.3 and §8.3; the engine knows no other loopback address. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname === '127.0.0.1'
}

/** An address that people or servers fetch: https, or http on this machine. */
export function webUriProblem(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null) return 'must be an absolute URL'
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be an https URL'
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    return 'must be an https URL (http only for localhost and loopback addresses)'
  if (url.username !== '' || url.password !== '') return 'must not contain a user name or password'
  return undefined
}

/** RFC 8414 §2 for the issuer, and the same for a FHIR base URL, which apps compare letter by letter. */
export function baseUrlProblem(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null) return 'must be an absolute URL'
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be an https or http URL'
  if (url.username !== '' || url.password !== '') return 'must not contain a user name or password'
  if (text.includes('?')) return 'must not have a query'
  if (text.includes('#')) return 'must not have a fragment'
  if (text.endsWith('/')) return 'must not end with a slash'
  const written = url.href.replace(/\/$/, '')
  if (text !== written) return `must be written as browsers write it, ${written}`
  return undefined
}

/** RFC 6749 §3.1.2 and RFC 8252 §7. Whether a private-use scheme suits the client is asked in rules.ts. */
export function redirectUriProblem(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null) return 'must be an absolute URI'
  if (FORBIDDEN_SCHEMES.has(url.protocol)) return `must not use the scheme ${url.protocol}`
  if (text.includes('#')) return 'must not have a fragment'
  if (text.includes('*')) return 'must not have a wildcard: redirect URIs are compared letter by letter'
  if (url.protocol === 'https:' || url.protocol === 'http:') return webUriProblem(text)
  if (!PRIVATE_USE_SCHEME.test(url.protocol))
    return 'must use https, or a private-use scheme with a dot in it such as com.example.app:'
  return undefined
}

/** What no app on a device can hold a certificate for. RFC 8252 §7.2 */
export function isLoopbackOverTls(uri: string): boolean {
  const url = URL.parse(uri)
  return url?.protocol === 'https:' && isLoopback(url.hostname)
}

export function isPrivateUse(uri: string): boolean {
  const protocol = URL.parse(uri)?.protocol
  return protocol !== undefined && PRIVATE_USE_SCHEME.test(protocol)
}

/** As `outbound.allowedHosts` names a server: with its port, the usual one too. */
export function hostAndPort({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
}

/** The forms that open-store.ts can open. */
export function storeProblem(text: string): string | undefined {
  // SQLite itself reads file: as an address whose query may turn durability off, or the file into memory.
  if (/^sqlite:(?!file:).+/.test(text)) return undefined
  const redis = readRedisUrl(text)
  return typeof redis === 'string' ? redis : undefined
}
