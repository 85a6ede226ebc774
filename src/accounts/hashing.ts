/**
 * Where passwords are hashed: in this process, or in one of its own (hashing-process.ts). How many may wait is
 * decided in password.ts.
 */
import * as argon2 from 'argon2'

export interface HashingCost {
  memoryCost: number
  timeCost: number
  parallelism: number
}

export interface Hashing {
  /** How many are hashed side by side; more than that are the caller's to queue. */
  readonly atOnce: number
  /** Each throws `HashingInterrupted` where nobody will ever know what it would have been. */
  hash(password: Uint8Array, cost: HashingCost): Promise<string>
  verify(hash: string, password: Uint8Array): Promise<boolean>
  close(): Promise<void>
}

/** The work was begun, or handed over, and has no outcome: neither a match nor a mismatch. */
export class HashingInterrupted extends Error {
  override readonly name = 'HashingInterrupted'
}

/** For commands, and wherever nobody waits for tokens beside it. */
export const hashingHere: Hashing = {
  atOnce: 1,
  hash: (password, cost) => argon2.hash(Buffer.from(password), { type: argon2.argon2id, ...cost }),
  verify: (hash, password) => argon2.verify(hash, Buffer.from(password)),
  close: async () => undefined
}

/** What the process is asked, and what it answers. Never written anywhere: it holds a password. */
export type HashingWork = { password: Uint8Array } & ({ hash: string } | { cost: HashingCost })
export type HashingRequest = HashingWork & { number: number }
export type HashingAnswer = { number: number } & ({ result: string | boolean } | { problem: string })
