/**
 * Notices an app that uses one code_challenge for many authorizations, so that PKCE protects none of them: RFC 9700 §2.1.1.
 * It is said in the log for the operator to tell the app's developer; nothing is refused. Each process sees what it answered
 * itself, of late.
 */
import type { Logger } from '../observability/logger.ts'

/** A person who loads a page again gets a second code, and perhaps a third. */
const MANY = 4
const MOST_KEPT = 10_000

export interface RepeatedChallenges {
  /** At each code. */
  note(clientId: string, codeChallenge: string): void
}

export function watchChallenges({ logger }: { logger: Logger }): RepeatedChallenges {
  /** The least recently used first. */
  const codes = new Map<string, number>()
  return {
    note(clientId, codeChallenge) {
      const key = `${clientId} ${codeChallenge}`
      const count = (codes.get(key) ?? 0) + 1
      codes.delete(key)
      codes.set(key, count)
      for (const oldest of codes.keys()) {
        if (codes.size <= MOST_KEPT) break
        codes.delete(oldest)
      }
      if (count === MANY) logger.warn({ clientId, codes: count }, 'an app uses one code_challenge again and again')
    }
  }
}
