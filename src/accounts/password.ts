/**
 * Hashing passwords and comparing them. What a new password must look like is
 * decided in new-password.ts; how often one may be tried, in sign-in.ts.
 *
 * Hashing is made to be slow, so it has a queue of its own: so many at a time
 * as `Hashing` works on at once, and only so many waiting. Without it, fifty
 * people signing in at once would hold up every token.
 */
import { randomBytes } from 'node:crypto'
import { needsRehash } from 'argon2'
import { type Hashing, type HashingCost, HashingInterrupted, hashingHere } from './hashing.ts'

export interface Passwords {
  /** Throws `HashingBusy` where the queue is full, RangeError for a password over the limit. */
  hash(password: string): Promise<string>
  /**
   * An undefined hash stands for an account that does not exist: the same work, never a match. 'busy': the password was
   * not checked.
   */
  verify(hash: string | undefined, password: string): Promise<'match' | 'mismatch' | 'busy'>
  /** A place in the queue, taken before a try is counted, so that what finds no place counts for nothing. Undefined: it is full. */
  reserve(): PasswordCheck | undefined
  /** Whether a hash was made with other parameters than today's. */
  needsRehash(hash: string): boolean
}

export interface PasswordCheck {
  /** As `Passwords.verify`. */
  verify: Passwords['verify']
  /** Must be called in the end, whether or not anything was verified. */
  release(): void
}

/** Too many passwords are waiting to be hashed: try again in a moment. */
export class HashingBusy extends Error {
  override readonly name = 'HashingBusy'
}

/** What OWASP names as the least for argon2id: 19 MiB, two passes, one lane. */
const LEAST_COST: HashingCost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** In UTF-8. Far above what a person types, far below what it takes to keep a server busy. */
export const LONGEST_PASSWORD_BYTES = 1024

interface Options {
  /** Where it is done: in this process, unless another is given. */
  hashing?: Hashing
  cost?: HashingCost
  /** How many may wait or run at once; from then on the answer is 'busy'. */
  queueLength?: number
  /** Told of each hash that is computed. */
  onHash?: () => void
}

export async function createPasswords(options: Options = {}): Promise<Passwords> {
  const { hashing = hashingHere, cost = LEAST_COST, queueLength = 32, onHash } = options
  const queue = boundedQueue(queueLength, hashing.atOnce)
  const nobodysHash = await hashing.hash(randomBytes(32), cost)

  function reserve(): PasswordCheck | undefined {
    const place = queue.enter()
    if (!place) return undefined
    return {
      async verify(hash, password) {
        // No account has such a password, so that skipping the work tells nothing about any account.
        if (isTooLong(password)) return 'mismatch'
        await place.turn()
        try {
          onHash?.()
          const matches = await hashing.verify(hash ?? nobodysHash, bytesOf(password))
          return matches && hash !== undefined ? 'match' : 'mismatch'
        } catch (error) {
          if (error instanceof HashingInterrupted) return 'busy'
          throw error
        }
      },
      release: place.leave
    }
  }

  return {
    async hash(password) {
      if (isTooLong(password)) throw new RangeError(`a password may be at most ${LONGEST_PASSWORD_BYTES} bytes long`)
      const place = queue.enter()
      if (!place) throw new HashingBusy('too many passwords are waiting to be hashed')
      try {
        await place.turn()
        onHash?.()
        return await hashing.hash(bytesOf(password), cost)
      } catch (error) {
        throw error instanceof HashingInterrupted ? new HashingBusy(error.message, { cause: error }) : error
      } finally {
        place.leave()
      }
    },

    async verify(hash, password) {
      const check = reserve()
      if (!check) return 'busy'
      try {
        return await check.verify(hash, password)
      } finally {
        check.release()
      }
    },

    reserve,

    needsRehash: (hash) => !hash.startsWith('$argon2id$') || needsRehash(hash, cost)
  }
}

interface QueuePlace {
  /** Resolves when it is this one's turn. */
  turn(): Promise<void>
  leave(): void
}

/** So many at once, in the order in which they asked for their turn; `length` counts all that have entered and not left. */
function boundedQueue(length: number, atOnce: number): { enter(): QueuePlace | undefined } {
  const waiting: (() => void)[] = []
  let occupied = 0
  let running = 0

  function endTurn(): void {
    const next = waiting.shift()
    // Whoever comes next takes over the turn itself, so that nobody slips in between.
    if (next) next()
    else running -= 1
  }

  return {
    enter() {
      if (occupied >= length) return undefined
      occupied += 1
      let state: 'entered' | 'running' | 'left' = 'entered'
      return {
        async turn() {
          if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve))
          else running += 1
          state = 'running'
        },
        leave() {
          if (state === 'left') return
          if (state === 'running') endTurn()
          state = 'left'
          occupied -= 1
        }
      }
    }
  }
}

function isTooLong(password: string): boolean {
  return Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES
}

/** The same password typed on another keyboard may arrive in another Unicode form. */
function bytesOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFKC'))
}
