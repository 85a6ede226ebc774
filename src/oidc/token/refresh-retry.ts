/**
 * The honest retry of a refresh whose answer was lost: for a short while the spent
 * token brings the same successor once more, never a second chain. What that was
 * lies in the spent token's record, under a key made from the token itself, so that
 * only who holds the token can have it. Everything else is a reuse.
 */
import { hash } from 'node:crypto'
import { createSealer } from '../../keys/sealing.ts'
import type { Sealer } from '../../store/sealed-store.ts'
import type { Store } from '../../store/store.ts'
import { type AccessToken, type RefreshToken, refreshTokens, type Stored } from './records.ts'

/** What a retry is answered with. */
interface Successor {
  access_token: string
  refresh_token: string
  scope?: string | undefined
  /** Of the access token, in seconds. */
  iat?: number | undefined
  exp: number
}

/** What the record of a spent refresh token says of it. */
interface Retry {
  /** Epoch milliseconds. */
  until: number
  successor: string
}

const PURPOSE = 'keyward refresh retry'

/** Lets a refresh token that is about to be spent be sent again within `window` seconds. */
export function retryOf(
  spentToken: string,
  next: { accessToken: Stored<AccessToken>; refreshToken: Stored<RefreshToken> },
  window: number,
  now: number
): Retry | undefined {
  if (window === 0) return undefined
  const { iat, exp, scope } = next.accessToken.record
  const successor: Successor = { access_token: next.accessToken.id, refresh_token: next.refreshToken.id, scope, iat, exp }
  const sealed = sealerOf(spentToken).seal(Buffer.from(JSON.stringify(successor)), PURPOSE)
  // An access token that has ended is no answer.
  return { until: Math.min(now + window * 1000, exp * 1000), successor: Buffer.from(sealed).toString('base64') }
}

/** The successor of a spent refresh token while a retry brings it: the window is open, and nobody has used it. */
export async function successorOf(
  store: Store,
  token: string,
  { consumed, retry }: RefreshToken,
  now: number
): Promise<Successor | undefined> {
  if (consumed === undefined || !isRetry(retry) || now >= retry.until) return undefined
  const opened = sealerOf(token).open(Buffer.from(retry.successor, 'base64'), PURPOSE)
  const successor: Successor = JSON.parse(Buffer.from(opened).toString())
  const next = await store.get(refreshTokens, successor.refresh_token)
  return next && next.consumed === undefined ? successor : undefined
}

/** A token is 256 random bits: to make a key of it, one hash of its own serves as well as HKDF, at a tenth of the cost. */
function sealerOf(token: string): Sealer {
  return createSealer([{ id: 1, key: hash('sha256', `${PURPOSE}\0${token}`, 'buffer') }])
}

function isRetry(value: unknown): value is Retry {
  return typeof value === 'object' && value !== null && 'until' in value && 'successor' in value
}
