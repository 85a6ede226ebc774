/**
 * Codes and tokens as they are stored: under the kinds and in the members that the
 * engine gives them, since it writes the codes, introspection reads the tokens, and
 * what an earlier release has issued must stay good.
 */
import { newIdBeside } from '../../store/slot.ts'
import type { Kind, PutOptions, Write } from '../../store/store.ts'
import { type AccessTokenFormat, lifetimeOf, prefixOf } from '../access-token-format.ts'

interface Issued {
  kind: string
  jti: string
  /** Both in seconds. */
  iat: number
  exp: number
  accountId: string
  clientId: string
  grantId: string
  sessionUid?: string | undefined
  scope?: string | undefined
}

/** That from which tokens are made: a code or a refresh token. It knows how the person signed in. */
export interface Source extends Issued {
  acr?: string | undefined
  amr?: string[] | undefined
  authTime?: number | undefined
  nonce?: string | undefined
  /** The base URL of the FHIR server. */
  resource?: string | undefined
  gty?: string | undefined
  /** In seconds; absent: unspent. */
  consumed?: number | undefined
}

export interface AuthorizationCode extends Source {
  codeChallenge?: string | undefined
  codeChallengeMethod?: string | undefined
  redirectUri?: string | undefined
}

export interface RefreshToken extends Source {
  /** When the first of its family was issued, and how many have come since. */
  iiat?: number | undefined
  rotations?: number | undefined
  /** See refresh-retry.ts. */
  retry?: unknown
}

export interface AccessToken extends Issued {
  gty: string
  aud: string
}

export const authorizationCodes: Kind<AuthorizationCode> = { name: 'AuthorizationCode' }
export const refreshTokens: Kind<RefreshToken> = { name: 'RefreshToken' }
export const accessTokens: Kind<AccessToken> = { name: 'AccessToken' }

/** A record with the id under which it lies. */
export interface Stored<T> {
  id: string
  record: T
}

interface Making {
  now: number
  /** In seconds. */
  lifetime: number
  gty: string
}

const REFRESHED = 'refresh_token'

/** What it was first issued for, and whether it has been refreshed since. */
export function gtyOf(source: Source, grantType: string): string {
  const before = source.gty ?? grantType
  return grantType !== REFRESHED || before.endsWith(REFRESHED) ? before : `${before} ${REFRESHED}`
}

export function newAccessToken(
  { accountId, clientId, grantId, sessionUid }: Source,
  { now, lifetime, gty, scopes, aud, format }: Making & { scopes: readonly string[]; aud: string; format: AccessTokenFormat }
): Stored<AccessToken> {
  const id = newIdBeside(grantId, prefixOf(format))
  const iat = Math.floor(now / 1000)
  const scope = scopes.join(' ')
  const about = { accountId, clientId, grantId, ...(sessionUid === undefined ? {} : { sessionUid }), gty, aud, scope }
  const exp = iat + lifetimeOf(format, lifetime)
  return { id, record: { iat, exp, ...about, kind: 'AccessToken', jti: id } }
}

/** RFC 6749 §6: it stands for all that was granted, whatever the access token beside it is narrowed to. */
export function newRefreshToken(
  source: Source & Partial<RefreshToken>,
  { now, lifetime, absolute, gty }: Making & { absolute: number | undefined }
): Stored<RefreshToken> {
  const id = newIdBeside(source.grantId, 'kw_rt_')
  const iat = Math.floor(now / 1000)
  const { acr, amr, authTime, nonce, resource, scope, sessionUid, accountId, clientId, grantId } = source
  const about = { accountId, clientId, grantId, acr, amr, authTime, nonce, resource, scope, sessionUid }
  const iiat = source.iiat ?? iat
  const exp = Math.min(iat + lifetime, absolute === undefined ? Number.POSITIVE_INFINITY : iiat + absolute)
  const chain = { gty, iiat, rotations: source.rotations === undefined ? 0 : source.rotations + 1 }
  return { id, record: { iat, exp, ...about, ...chain, kind: 'RefreshToken', jti: id } }
}

/** On the condition that nobody has spent it, or changed it, meanwhile. */
export function spending<T extends Source>(
  kind: Kind<T>,
  { id, record }: Stored<T>,
  ifVersion: Uint8Array,
  consumed: number
): Write {
  const { expiresAt } = until(record)
  return { kind, id, record: { ...record, consumed }, ifVersion, expiresAt }
}

export function storing<T extends Issued>(kind: Kind<T>, { id, record }: Stored<T>): Write {
  return { kind, id, record, ...until(record) }
}

function until({ exp }: Issued): Required<Pick<PutOptions, 'expiresAt'>> {
  return { expiresAt: exp * 1000 }
}
