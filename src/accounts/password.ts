/**
 * Hashing passwords and comparing them. What a new password must look like is
 * decided in new-password.ts; how often one may be tried, in sign-in.ts.
 *
 * Hashing is made to be slow, so it has a queue of its own: one at a time, and
 * only so many waiting. Without it, fifty people signing in at once would hold
 * up every token.
 */
import { randomBytes } from 'node:crypto'
import * as argon2 from 'argon2'

export interface Passwords {
  /** Throws `HashingBusy` where the queue is full, RangeError for a password over the limit. */
  hash(password: string): Promise<string>
  /** An undefined hash stands for an account that does not exist: the same work, never a match. */
  verify(hash: string | undefined, password: string): Promise<'match' | 'mismatch' | 'busy'>
  /** Whether a hash was made with other parameters than today's. */
  needsRehash(hash: string): boolean
}

/** Too many passwords are waiting to be hashed: try again in a moment. */
export class HashingBusy extends Error {
  override readonly name = 'HashingBusy'
}

interface HashingCost {
  memoryCost: number
  timeCost: number
  parallelism: number
}

/** What OWASP names as the least for argon2id: 19 MiB, two passes, one lane. */
const LEAST_COST: HashingCost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** In UTF-8. Far above what a person types, far below what it takes to keep a server busy. */
export const LONGEST_PASSWORD_BYTES = 1024

interface Options {
  cost?: HashingCost
  /** How many may wait or run at once; from then on the answer is 'busy'. */
  queueLength?: number
  /** Told of each hash that is computed. */
  onHash?: () => void
}

export async function createPasswords({ cost = LEAST_COST, queueLength = 32, onHash }: Options = {}): Promise<Passwords> {
  const enqueue = boundedQueue(queueLength)
  const parameters: argon2.HashOptions = { type: argon2.argon2id, ...cost }
  const nobodysHash = await argon2.hash(randomBytes(32), parameters)

  return {
    async hash(password) {
      if (isTooLong(password)) throw new RangeError(`a password may be at most ${LONGEST_PASSWORD_BYTES} bytes long`)
      const hashed = enqueue(() => {
        onHash?.()
        return argon2.hash(bytesOf(password), parameters)
      })
      if (!hashed) throw new HashingBusy('too many passwords are waiting to be hashed')
      return hashed
    },

    async verify(hash, password) {
      // No account has such a password, so that skipping the work tells nothing about any account.
      if (isTooLong(password)) return 'mismatch'
      const matches = enqueue(() => {
        onHash?.()
        return argon2.verify(hash ?? nobodysHash, bytesOf(password))
      })
      if (!matches) return 'busy'
      return (await matches) && hash !== undefined ? 'match' : 'mismatch'
    },

    needsRehash: (hash) => !hash.startsWith('$argon2id$') || argon2.needsRehash(hash, cost)
  }
}

/** One piece of work at a time, in order of arrival; undefined, and nothing done, where `length` are in it already. */
function boundedQueue(length: number): <T>(work: () => Promise<T>) => Promise<T> | undefined {
  let occupied = 0
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    if (occupied >= length) return undefined
    occupied += 1
    const result = last.then(work).finally(() => {
      occupied -= 1
    })
    last = result.catch(() => undefined)
    return result
  }
}

function isTooLong(password: string): boolean {
  return Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES
}

/** The same password typed on another keyboard may arrive in another Unicode form. */
function bytesOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFKC'))
}
