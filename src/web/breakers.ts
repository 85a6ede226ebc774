/**
 * Which hosts are left alone for a while because they could not be reached
 * several times in a row; after it one request tries. Nothing is known here of requests.
 *
 * An address at which a connection is made and nothing comes is left alone by itself: several parties may have addresses on
 * one host, and one person's search may be slow, so that a mistake, or ill will, keeps nobody from what others ask. The host is
 * bounded by how much is asked of it at once, and is left alone where no connection can be made.
 */
interface Breaker {
  failures: number
  /** Epoch milliseconds: before it nobody asks. */
  closedUntil: number
}

interface Breakers {
  allows(name: string): boolean
  succeeded(name: string): void
  failed(name: string): void
}

/** An answer of whatever kind; a connection, and then nothing; no connection. */
export type Ending = 'answered' | 'silent' | 'not-reached'

export interface Gates {
  /** Undefined: it is left alone now. Else what is to be told, once, how it ended. */
  enter(host: string, address: string): ((ending: Ending) => void) | undefined
}

const FAILURES_IN_A_ROW = 5
const LEFT_ALONE_FOR = 15_000
/** The most hosts, or addresses, that failures are counted of: more have only ever failed at once where somebody wanted it. */
const MOST_NAMES = 1000

/** Each asks for a few seconds at most. One party has one address, and asks for it once at a time. */
const MOST_AT_ONCE = 32

export function createGates({ now }: { now: () => number }): Gates {
  const hosts = createBreakers({ now })
  const addresses = createBreakers({ now })
  const underway = new Map<string, number>()

  function leave(host: string): void {
    const left = (underway.get(host) ?? 1) - 1
    if (left === 0) underway.delete(host)
    else underway.set(host, left)
  }

  return {
    enter(host, address) {
      const asking = underway.get(host) ?? 0
      if (asking >= MOST_AT_ONCE || !addresses.allows(address)) return undefined
      if (!hosts.allows(host)) return undefined
      underway.set(host, asking + 1)
      return (ending) => {
        leave(host)
        if (ending === 'not-reached') hosts.failed(host)
        else hosts.succeeded(host)
        if (ending === 'silent') addresses.failed(address)
        else if (ending === 'answered') addresses.succeeded(address)
      }
    }
  }
}

function createBreakers({ now }: { now: () => number }): Breakers {
  const breakers = new Map<string, Breaker>()
  return {
    allows(name) {
      const breaker = breakers.get(name)
      if (!breaker || breaker.failures < FAILURES_IN_A_ROW) return true
      if (now() < breaker.closedUntil) return false
      // Others wait until this one has told.
      breaker.closedUntil = now() + LEFT_ALONE_FOR
      return true
    },
    succeeded: (name) => void breakers.delete(name),
    failed(name) {
      const { failures } = breakers.get(name) ?? { failures: 0 }
      if (!breakers.has(name) && breakers.size >= MOST_NAMES) breakers.clear()
      breakers.set(name, { failures: failures + 1, closedUntil: now() + LEFT_ALONE_FOR })
    }
  }
}
