/**
 * What an app says of itself to the people who decide about it: why it asks for each scope, and what it does with data. Its
 * own words are shown as text, so they are held to what can't look like anything else; the answers are of a closed set.
 */
import { z } from 'zod'
import { text } from './fields.ts'

/** Controls, and what turns the direction of a text around or hides in it: a text must not look like another. */
const DECEIVING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u
/** Letters that carry a heap of marks write over the lines around them. */
const HEAPED = /\p{M}{5}/u
const MOST_REASONS = 50
const LONGEST_REASON = 200

export function isDeceiving(words: string): boolean {
  return DECEIVING.test(words) || HEAPED.test(words)
}

const reason = text((words) =>
  words.trim() === '' || words.length > LONGEST_REASON || isDeceiving(words)
    ? `must be texts of 1 to ${LONGEST_REASON} characters, without control characters`
    : undefined
)

/** By scope, as it is written among the scopes of the app. That it is among them is asked in rules.ts. */
export const scopeReasons = z
  .record(z.string(), reason, 'must be an object: a reason for each scope')
  .refine((reasons) => Object.keys(reasons).length <= MOST_REASONS, `must have at most ${MOST_REASONS} members`)

/** In the order of pages. */
export const PRIVACY_QUESTIONS = ['shares', 'sells', 'advertises', 'keeps', 'deletes'] as const

/** Each question with its answers; what is left out is not answered. */
export const PRIVACY_ANSWERS = {
  shares: ['no', 'if-you-agree', 'yes'],
  sells: ['no', 'if-you-agree', 'yes'],
  advertises: ['no', 'yes'],
  keeps: ['no', 'while-in-use', 'longer'],
  deletes: ['yes', 'no']
} as const satisfies Record<(typeof PRIVACY_QUESTIONS)[number], readonly string[]>

const answer = <const A extends readonly [string, ...string[]]>(answers: A, question: string) =>
  z
    .enum(answers, `must be one of ${answers.join(', ')}`)
    .optional()
    .describe(question)

export const privacyAnswers = z.strictObject(
  {
    shares: answer(PRIVACY_ANSWERS.shares, 'Whether it gives data to others.'),
    sells: answer(PRIVACY_ANSWERS.sells, 'Whether it sells data.'),
    advertises: answer(PRIVACY_ANSWERS.advertises, 'Whether it uses data for advertising.'),
    keeps: answer(PRIVACY_ANSWERS.keeps, 'Whether it keeps data: not at all, while a person uses the app, or longer.'),
    deletes: answer(PRIVACY_ANSWERS.deletes, 'Whether it deletes data when the person asks.')
  },
  `must be an object of ${Object.keys(PRIVACY_ANSWERS).join(', ')}`
)
