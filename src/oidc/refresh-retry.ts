/**
 * The honest retry of a refresh whose answer was lost: for a short while the spent
 * token brings the same successor once more, never a second chain. What that was
 * lies in the spent token's record, under a key made from the token itself, so that
 * only who holds the token can have it. Everything else is a reuse, which is the
 * engine's to punish.
 */
import { hkdfSync } from 'node:crypto'
import type { AdapterPayload } from 'oidc-provider'
import { createSealer } from '../keys/sealing.ts'
import type { Sealer } from '../store/sealed-store.ts'
import type { Store } from '../store/store.ts'
import { engineKind } from './engine-records.ts'
import type { TokenWrites } from './token-writes.ts'

/** What a retry is answered with. */
export interface Successor {
  access_token: string
  refresh_token: string
  scope?: string | undefined
  /** Of the access token, in seconds. */
  exp: number
}

/** What the record of a spent refresh token says of it. */
interface Retry {
  /** Epoch milliseconds. */
  until: number
  successor: string
}

const refreshTokens = engineKind('RefreshToken')
const PURPOSE = 'keyward refresh retry'

/** Lets the refresh token that these writes spend, if they spend one, be sent again within `window` seconds. */
export function allowRetry(writes: TokenWrites, window: number, now: number): void {
  const spent = spentIn(writes)
  const next = recordsOf(writes, 'RefreshToken').find(({ record }) => record.consumed === undefined)
  const [access] = recordsOf(writes, 'AccessToken')
  if (window === 0 || !spent || !next || access?.record.exp === undefined) return
  const { exp, scope } = access.record
  const successor: Successor = { access_token: access.id, refresh_token: next.id, scope, exp }
  const sealed = sealerOf(spent.id).seal(Buffer.from(JSON.stringify(successor)), PURPOSE)
  const retry: Retry = {
    // An access token that has ended is no answer.
    until: Math.min(now + window * 1000, exp * 1000),
    successor: Buffer.from(sealed).toString('base64')
  }
  spent.record.retry = retry
}

/** The successor of a spent refresh token while a retry brings it: the window is open, and nobody has used it. */
export async function successorOf(
  store: Store,
  token: string,
  { consumed, retry }: AdapterPayload,
  now: number
): Promise<Successor | undefined> {
  if (consumed === undefined || !isRetry(retry) || now >= retry.until) return undefined
  const opened = sealerOf(token).open(Buffer.from(retry.successor, 'base64'), PURPOSE)
  const successor: Successor = JSON.parse(Buffer.from(opened).toString())
  const next = await store.get(refreshTokens, successor.refresh_token)
  return next && next.consumed === undefined ? successor : undefined
}

/** What another request, that was first with the same refresh token, has made of it. */
export async function successorMadeMeanwhile(store: Store, writes: TokenWrites, now: number): Promise<Successor | undefined> {
  const spent = spentIn(writes)
  if (!spent?.record.retry) return undefined
  const record = await store.get(refreshTokens, spent.id)
  return record && successorOf(store, spent.id, record, now)
}

function spentIn(writes: TokenWrites): { id: string; record: AdapterPayload } | undefined {
  return recordsOf(writes, 'RefreshToken').find(({ record }) => record.consumed !== undefined)
}

function recordsOf({ pending }: TokenWrites, model: string): { id: string; record: AdapterPayload }[] {
  return pending.flatMap((write) => ('record' in write && write.kind.name === model ? [write] : []))
}

function sealerOf(token: string): Sealer {
  return createSealer([{ id: 1, key: new Uint8Array(hkdfSync('sha256', token, new Uint8Array(), PURPOSE, 32)) }])
}

function isRetry(value: unknown): value is Retry {
  return typeof value === 'object' && value !== null && 'until' in value && 'successor' in value
}
