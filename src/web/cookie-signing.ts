/**
 * Signs cookies and says whether a signature is ours: what Koa and the engine ask a Keygrip for. The keys are made once:
 * given as text, each is made into one at every signature, at many times the cost of the signature itself.
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'

export interface CookieSigning {
  sign(text: string): string
  verify(text: string, signature: string): boolean
  /** Which of the keys has made it, -1 where none has: what an older one has made is made anew. */
  index(text: string, signature: string): number
}

/** The first key signs, all of them verify. */
export function cookieSigning(keys: readonly string[]): CookieSigning {
  const [current, ...older] = keys.map((key) => createSecretKey(key, 'utf8'))
  if (!current) throw new Error('at least one cookie key is needed')
  const index = (text: string, signature: string): number =>
    [current, ...older].findIndex((key) => isSame(signatureOf(text, key), signature))
  return { sign: (text) => signatureOf(text, current), verify: (text, signature) => index(text, signature) >= 0, index }
}

function signatureOf(text: string, key: KeyObject): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}

function isSame(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)]
  return a.length === b.length && timingSafeEqual(a, b)
}
