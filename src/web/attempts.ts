/**
 * Counts attempts within a window, shared by all replicas through the store. An
 * attempt is counted before its work begins, so that a hundred at once are a
 * hundred and not one.
 */
import type { Kind, Store } from '../store/store.ts'

export interface Attempts {
  /** Counts one attempt. Refused from the one after `limit` on; `retryAfter` in seconds, at most the whole window. */
  take(counter: string, key: string, limit: number): Promise<{ ok: true } | { ok: false; retryAfter: number }>
  reset(counter: string, key: string): Promise<void>
}

const ATTEMPTS: Kind<number> = { name: 'attempts', guessable: true }

export function createAttempts({ store, window }: { store: Store /** ms */; window: number }): Attempts {
  const idOf = (counter: string, key: string) => JSON.stringify([counter, key])
  return {
    async take(counter, key, limit) {
      const taken = await store.increment(ATTEMPTS, idOf(counter, key), window)
      return taken <= limit ? { ok: true } : { ok: false, retryAfter: Math.ceil(window / 1000) }
    },
    reset: (counter, key) => store.delete(ATTEMPTS, idOf(counter, key))
  }
}
