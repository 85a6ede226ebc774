/** For how long a person lets an app come back. */

export const DURATIONS = ['today', '3months', '1year', 'until-stopped'] as const
export type Duration = (typeof DURATIONS)[number]

const DAY = 24 * 60 * 60 * 1000
/** Three months are up to 92 days, a year up to 366. */
const DAYS: Partial<Record<Duration, number>> = { today: 1, '3months': 92, '1year': 366 }

/** Epoch milliseconds at which it ends; undefined: when the person stops it. */
export function endOf(duration: Duration, now: number): number | undefined {
  const days = DAYS[duration]
  return days === undefined ? undefined : now + days * DAY
}

export function parseDuration(text: string): Duration | undefined {
  return DURATIONS.find((duration) => duration === text)
}
