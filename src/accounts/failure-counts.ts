/**
 * The counts of failed attempts that belong to one account. What counts by
 * address, or a name that is no account, ends with its window.
 */
import type { Attempts } from '../web/attempts.ts'

/** Wrong passwords, within a window. */
export const PASSWORDS = 'password'
/** Wrong one-time codes, within a window. */
export const CODES = 'code'
/** Wrong one-time codes since the last right one, however long that is. */
export const CODES_IN_A_ROW = 'codes-in-a-row'

/** How the count of an account's passwords is named: no typed name can be one. */
export function passwordKey(sub: string): string {
  return `sub:${sub}`
}

/** What an operator does for somebody who is locked out and has shown who they are. */
export async function forgetFailures(attempts: Attempts, sub: string): Promise<void> {
  await Promise.all([
    attempts.reset(PASSWORDS, passwordKey(sub)),
    attempts.reset(CODES, sub),
    attempts.reset(CODES_IN_A_ROW, sub)
  ])
}
