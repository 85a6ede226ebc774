/**
 * A limit that all replicas share and that costs nothing to those who stay far below it: the first twentieth is counted
 * in this process alone, the rest through the store; whoever has gone over it is refused without asking, for a while.
 * While the store is away this process's own share is all that there is.
 */
import { StoreUnavailable } from '../store/store.ts'
import type { Attempts } from './attempts.ts'

export interface SharedLimit {
  /** `retryAfter` in seconds. */
  take(key: string): Promise<{ ok: true } | { ok: false; retryAfter: number }>
  /** What was taken led to something good: it counts for nothing, as with `Attempts.forgive`. */
  forgive(key: string): Promise<void>
  /** What was taken is not there any more: it is as if it had not been taken, and buys nobody more, as with `Attempts.giveBack`. */
  giveBack(key: string): Promise<void>
}

interface Options {
  attempts: Attempts
  counter: string
  limit: number
  /** In milliseconds, as that of `attempts`. */
  window: number
  now: () => number
}

interface Own {
  count: number
  endsAt: number
  /** Until then it is not asked again whether the limit has been reached. */
  refusedUntil: number
}

const OWN_SHARE = 1 / 20
/** In milliseconds: who is over the limit costs the store one question in so long. */
const REFUSED_FOR = 10_000
/** So many addresses are remembered; beyond them the oldest are forgotten first. */
const MOST_REMEMBERED = 50_000

export function createSharedLimit({ attempts, counter, limit, window, now }: Options): SharedLimit {
  const ownShare = Math.ceil(limit * OWN_SHARE)
  const all = new Map<string, Own>()

  function ownOf(key: string): Own {
    const found = all.get(key)
    if (found && found.endsAt > now()) return found
    all.delete(key)
    for (const [oldest] of all) {
      if (all.size < MOST_REMEMBERED) break
      all.delete(oldest)
    }
    const fresh = { count: 0, endsAt: now() + window, refusedUntil: 0 }
    all.set(key, fresh)
    return fresh
  }

  function refuse(own: Own): { ok: false; retryAfter: number } {
    own.refusedUntil ||= now() + Math.min(REFUSED_FOR, window)
    return { ok: false, retryAfter: Math.max(1, Math.ceil((own.refusedUntil - now()) / 1000)) }
  }

  /** Whether it was one of those that are counted here. */
  function takeOff(key: string): boolean {
    const own = all.get(key)
    if (!own || own.endsAt <= now() || own.count === 0 || own.count >= ownShare) return false
    own.count -= 1
    return true
  }

  return {
    async take(key) {
      const own = ownOf(key)
      if (own.refusedUntil > now()) return refuse(own)
      own.refusedUntil = 0
      if (own.count < ownShare) {
        own.count += 1
        return { ok: true }
      }
      try {
        return (await attempts.take(counter, key, limit - ownShare)).ok ? { ok: true } : refuse(own)
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        return refuse(own)
      }
    },
    async forgive(key) {
      if (!takeOff(key)) await attempts.forgive(counter, key)
    },
    async giveBack(key) {
      if (!takeOff(key)) await attempts.giveBack(counter, key)
    }
  }
}
