/** How often a test of faults does what it does: seldom in `npm test`; `npm run faults -- --rounds N` says otherwise. */

const asked = Number(process.env.FAULT_ROUNDS ?? 0)

/** `most`: of rounds that take seconds, the long form has fewer. */
export function rounds(short: number, most = Number.POSITIVE_INFINITY): number {
  return asked > 0 ? Math.min(asked, most) : short
}

/** Milliseconds for so many rounds, each of which takes `each` at worst. */
export function timeFor(count: number, each: number): number {
  return 60_000 + count * each
}
