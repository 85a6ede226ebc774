/**
 * What a new password must be: long, and not made of words that anybody would
 * try for this person. No rules of composition, no expiry (NIST SP 800-63B).
 */
import { LONGEST_PASSWORD_BYTES } from './password.ts'
import { normalizeUsername } from './username.ts'

type NewPasswordOutcome =
  | { ok: true }
  | { ok: false; reason: 'too-short'; atLeast: number }
  | { ok: false; reason: 'too-long' }
  | { ok: false; reason: 'context-words' }

const LEAST_ALONE = 15
const LEAST_WITH_SECOND_FACTOR = 8
const SHORTEST_CONTEXT_WORD = 4

interface Circumstances {
  hasSecondFactor: boolean
  /** The person's user name and name, the organization's name, the product's. */
  context: string[]
}

export function checkNewPassword(password: string, { hasSecondFactor, context }: Circumstances): NewPasswordOutcome {
  if (Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES) return { ok: false, reason: 'too-long' }
  const atLeast = hasSecondFactor ? LEAST_WITH_SECOND_FACTOR : LEAST_ALONE
  // Characters as a person counts them, not UTF-16 units.
  if ([...password.normalize('NFKC')].length < atLeast) return { ok: false, reason: 'too-short', atLeast }
  // A known word may be within a password, as long as what is left would pass for one beside a second factor.
  const left = withoutWords(normalizeUsername(password), context)
  if ([...left].length < LEAST_WITH_SECOND_FACTOR && left !== normalizeUsername(password)) {
    return { ok: false, reason: 'context-words' }
  }
  return { ok: true }
}

function withoutWords(password: string, context: string[]): string {
  const words = context
    .flatMap((phrase) => [phrase, ...phrase.split(/[^\p{L}\p{N}]+/u)])
    .map(normalizeUsername)
    .filter((word) => [...word].length >= SHORTEST_CONTEXT_WORD)
    .sort((a, b) => b.length - a.length)
  return words.reduce((left, word) => left.replaceAll(word, ''), password)
}
