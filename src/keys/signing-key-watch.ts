/** Looks again and again whether the signing keys in the store have changed, so that a rotation needs no restart. */
import type { JWK } from 'jose'
import type { Logger } from '../observability/logger.ts'
import { type Store, StoreUnavailable } from '../store/store.ts'
import { readSigningKeys } from './signing-keys.ts'

/** In milliseconds. */
const EVERY = 5000

interface Deps {
  store: Store
  now: () => number
  logger: Logger
  /** Those that are in use. */
  current: { keys: JWK[] }
  onChange: (keys: { keys: JWK[] }) => void
  every?: number | undefined
}

export interface SigningKeyWatch {
  close(): void
}

export function watchSigningKeys({ store, now, logger, current, onChange, every = EVERY }: Deps): SigningKeyWatch {
  let used = namesOf(current)
  let looking = false
  let closed = false

  async function look(): Promise<void> {
    if (looking) return
    looking = true
    try {
      const found = await readSigningKeys(store, now)
      if (closed) return
      if (!found) throw new Error('there are none in the store')
      const names = namesOf(found)
      if (names.join() === used.join()) return
      onChange(found)
      used = names
      logger.info({ active: names[0], published: names.length }, 'the signing keys have changed')
    } catch (err) {
      // While the store is away nothing is signed either, and its check says so. What is in use stays in use.
      if (!closed && !(err instanceof StoreUnavailable)) logger.error({ err }, 'the signing keys can not be read')
    } finally {
      looking = false
    }
  }

  const timer = setInterval(() => void look(), every).unref()
  return {
    close() {
      closed = true
      clearInterval(timer)
    }
  }
}

const namesOf = ({ keys }: { keys: JWK[] }): string[] => keys.map(({ kid }) => kid ?? '')
