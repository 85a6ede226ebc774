/**
 * A signed JWT as anybody may write one: taken apart and not believed yet, and whether a key verifies it. What its
 * header and claims must say, and whose key it has to be, is for who reads it to say.
 *
 * RFC 7515 §3.1, RFC 7518 §3.3, §3.4
 */
import { type KeyObject, verify } from 'node:crypto'

interface Parts {
  header: string
  payload: string
  signed: Buffer
  signature: Buffer
}

export type Members = ReadonlyMap<string, unknown>

/** Headers that say where a key is, or how to read the rest: a key is only ever the registered one. RFC 7515 §4.1.3 to §4.1.6, §4.1.11; RFC 7797 */
export const REFUSED_HEADERS = ['jwk', 'x5u', 'x5c', 'crit', 'b64', 'zip', 'enc']

const COMPACT = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/

/** Undefined where it is not three parts, or longer than `longest` characters. */
export function partsOf(written: string, longest: number): Parts | undefined {
  const [, header, payload, signature] = (written.length <= longest && COMPACT.exec(written)) || []
  if (header === undefined || payload === undefined || signature === undefined) return undefined
  return {
    header,
    payload,
    signed: Buffer.from(`${header}.${payload}`, 'latin1'),
    signature: Buffer.from(signature, 'base64url')
  }
}

/** Own members only: a claim by the name of something that every object has is no claim. */
export function membersOf(encoded: string): Members | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : undefined
  } catch {
    return undefined
  }
}

/** By RS384 or ES384, whichever the key is for: no others are taken (config/public-jwk.ts). */
export function isSignedBy(key: KeyObject, { signed, signature }: Pick<Parts, 'signed' | 'signature'>): boolean {
  return verify('sha384', signed, { key, dsaEncoding: 'ieee-p1363' }, signature)
}
