/**
 * How long refresh tokens last: since their last use, and without an end beyond that unless one was set for the client. What
 * a client is given less today counts today. ONC's guide to 45 CFR 170.315(g)(10): three months at least from each use
 */
import type { ClientConfig, Config } from '../../config/config.ts'
import type { RefreshToken } from './records.ts'

/** Both in seconds. */
interface RefreshLifetimes {
  lifetime: number
  /** From the first of a family to the end of the last; undefined: none. */
  absolute: number | undefined
}

type Lifetimes = Pick<Config['lifetimes'], 'refreshToken'>

export function refreshLifetimes(client: ClientConfig, { refreshToken }: Lifetimes): RefreshLifetimes {
  return { lifetime: client.refresh_token_lifetime ?? refreshToken, absolute: client.refresh_token_absolute }
}

/** Whether it has ended: by what it was given, or by what its client has been given since. */
export function isOver({ exp, iat, iiat = iat }: RefreshToken, client: ClientConfig, now: number): boolean {
  const { refresh_token_lifetime: lifetime, refresh_token_absolute: absolute } = client
  const ends = [exp, ...(lifetime === undefined ? [] : [iat + lifetime]), ...(absolute === undefined ? [] : [iiat + absolute])]
  return ends.some((end) => end * 1000 <= now)
}
