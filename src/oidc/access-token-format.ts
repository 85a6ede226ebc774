/** The two forms of an access token: which one it has stands at the start of its id, so that nobody has to look it up. */
import type { FhirServer } from '../config/config.ts'

export type AccessTokenFormat = NonNullable<FhirServer['accessTokenFormat']>

/** Whoever checks a signature only learns of the end of an access when the token ends: this bounds it. In seconds. */
const LONGEST = 5 * 60
const OPAQUE = 'kw_at_'
const SIGNED = 'kw_jt_'

export function prefixOf(format: AccessTokenFormat): string {
  return format === 'jwt' ? SIGNED : OPAQUE
}

/** Whether what the app gets for this id is a JWT. */
export function isSigned(id: string): boolean {
  return id.startsWith(SIGNED)
}

export function isOpaque(id: string): boolean {
  return id.startsWith(OPAQUE)
}

/** In seconds. */
export function lifetimeOf(format: AccessTokenFormat, configured: number): number {
  return format === 'jwt' ? Math.min(configured, LONGEST) : configured
}
