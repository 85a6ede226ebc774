/**
 * Counts attempts within a window, shared by all replicas through the store. An
 * attempt is counted before its work begins, so that a hundred at once are a
 * hundred and not one.
 */
import type { Kind, Store } from '../store/store.ts'

export interface Attempts {
  /** Counts one attempt. Refused from the one after `limit` on; `retryAfter` in seconds, at most the whole window. */
  take(counter: string, key: string, limit: number): Promise<{ ok: true } | { ok: false; retryAfter: number }>
  /** The work of an attempt that was taken was not done after all: it is as if it had not been made. */
  giveBack(counter: string, key: string): Promise<void>
  /** An attempt that went well, after its work: it counts for nothing, so that the limit is one of failures. */
  forgive(counter: string, key: string): Promise<void>
  reset(counter: string, key: string): Promise<void>
}

/** Nobody buys more tries than this many times the limit with sign-ins of their own. */
const MOST_FORGIVEN = 9

const ATTEMPTS: Kind<number> = { name: 'attempts', guessable: true }

export function createAttempts({ store, window }: { store: Store /** ms */; window: number }): Attempts {
  const forgivenOf = (counter: string) => `${counter}, forgiven`
  const idOf = (counter: string, key: string) => JSON.stringify([counter, key])
  return {
    async take(counter, key, limit) {
      // What is refused is not counted: what was given back could not be taken again otherwise.
      const takeOneOf = async (most: number) => (await store.increment(ATTEMPTS, idOf(counter, key), window, most)) <= most
      if (await takeOneOf(limit)) return { ok: true }
      const forgiven = await store.count(ATTEMPTS, idOf(forgivenOf(counter), key))
      if (forgiven > 0 && (await takeOneOf(limit + Math.min(forgiven, MOST_FORGIVEN * limit)))) return { ok: true }
      return { ok: false, retryAfter: Math.ceil(window / 1000) }
    },
    giveBack: (counter, key) => store.decrement(ATTEMPTS, idOf(counter, key)),
    async forgive(counter, key) {
      await store.increment(ATTEMPTS, idOf(forgivenOf(counter), key), window)
    },
    reset: (counter, key) => store.delete(ATTEMPTS, idOf(counter, key))
  }
}
