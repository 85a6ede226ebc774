/**
 * Which hosts are left alone for a while because they could not be reached
 * several times in a row; after it one request tries. Nothing is known here of requests.
 */
interface Breaker {
  failures: number
  /** Epoch milliseconds: before it nobody asks. */
  closedUntil: number
}

export interface Breakers {
  allows(host: string): boolean
  succeeded(host: string): void
  failed(host: string): void
}

const FAILURES_IN_A_ROW = 5
const LEFT_ALONE_FOR = 15_000
/** The most hosts that failures are counted of: more have only ever failed at once where somebody wanted it. */
const MOST_HOSTS = 1000

export function createBreakers({ now }: { now: () => number }): Breakers {
  const breakers = new Map<string, Breaker>()
  return {
    allows(host) {
      const breaker = breakers.get(host)
      if (!breaker || breaker.failures < FAILURES_IN_A_ROW) return true
      if (now() < breaker.closedUntil) return false
      // Others wait until this one has told.
      breaker.closedUntil = now() + LEFT_ALONE_FOR
      return true
    },
    succeeded: (host) => void breakers.delete(host),
    failed(host) {
      const { failures } = breakers.get(host) ?? { failures: 0 }
      if (!breakers.has(host) && breakers.size >= MOST_HOSTS) breakers.clear()
      breakers.set(host, { failures: failures + 1, closedUntil: now() + LEFT_ALONE_FOR })
    }
  }
}
