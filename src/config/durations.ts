/** Lengths of time as an operator writes them: a whole number and a unit, '60s', '15m', '12h', '93d'. */

export const DURATION = /^[1-9]\d{0,8}[smhd]$/
/** Or none. */
export const DURATION_OR_NONE = /^0s$|^[1-9]\d{0,8}[smhd]$/

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Seconds, or undefined where the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined
  const unit = SECONDS[text.slice(-1)]
  return unit === undefined ? undefined : Number(text.slice(0, -1)) * unit
}
