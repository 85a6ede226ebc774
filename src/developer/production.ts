/**
 * Requests of registered apps for production: asked by the app, answered by an operator, and the clocks of
 * 45 CFR 170.404(b)(1): ten business days to verify that the app is whose it says, and five from then on to open production
 * to it. Nothing but its authenticity is asked of an app that patients choose. That a clock runs out is told in
 * production-watch.ts.
 */
import { type Clock, KEPT_UNUSED, type ProductionRequest, type StoredClient } from '../clients/stored-clients.ts'

const DAY = 86_400_000
const DAYS_TO_VERIFY = 10
const DAYS_TO_ENABLE = 5

/** The only reasons for which production may be declined: all are about who makes the app, none about what it does. */
export const DECLINE_GROUNDS = ['not-theirs', 'unreachable', 'misleading', 'withdrawn'] as const
export type DeclineGround = (typeof DECLINE_GROUNDS)[number]

/** Monday to Friday, UTC. Holidays are counted as business days: an answer is due too early rather than too late. */
export function afterBusinessDays(from: number, days: number): number {
  let [at, left] = [from, days]
  while (left > 0) {
    at += DAY
    const weekday = new Date(at).getUTCDay()
    if (weekday !== 0 && weekday !== 6) left -= 1
  }
  return at
}

export function newRequest(now: number): ProductionRequest {
  return { state: 'asked', askedAt: now, verifyBy: afterBusinessDays(now, DAYS_TO_VERIFY) }
}

/** The clock that runs for a request, and until when; undefined where it is answered. */
export function runningClock({ production }: StoredClient): { clock: Clock; due: number } | undefined {
  if (production?.state === 'asked') return { clock: 'verify', due: production.verifyBy }
  if (production?.state === 'verified') return { clock: 'enable', due: production.enableBy ?? production.askedAt }
  return undefined
}

export function isOverdue(stored: StoredClient, now: number): boolean {
  const running = runningClock(stored)
  return running !== undefined && running.due < now
}

/** The app is whose it says: the second clock begins. Undefined where nothing is asked. */
export function verified(stored: StoredClient, now: number): StoredClient | undefined {
  if (stored.production?.state !== 'asked') return undefined
  return { ...stored, production: verifiedAt(stored.production, now) }
}

/** Opens production, to an app that was verified before or is by this. Undefined where nothing is asked. */
export function approved({ keptUntil, ...stored }: StoredClient, now: number): StoredClient | undefined {
  const { production } = stored
  if (!production || !runningClock(stored)) return undefined
  const request = production.state === 'asked' ? verifiedAt(production, now) : production
  return {
    ...stored,
    client: { ...stored.client, verified: true },
    sandbox: false,
    production: { ...request, state: 'approved', answeredAt: now }
  }
}

export function declined(
  stored: StoredClient,
  { ground, reason }: { ground: DeclineGround; reason: string },
  now: number
): StoredClient | undefined {
  const { production, keptUntil } = stored
  if (!production || !runningClock(stored)) return undefined
  return {
    ...stored,
    // It was kept for the request, however long that took.
    ...(keptUntil === undefined ? {} : { keptUntil: now + KEPT_UNUSED }),
    production: { ...production, state: 'declined', answeredAt: now, ground, reason }
  }
}

function verifiedAt(production: ProductionRequest, now: number): ProductionRequest {
  return { ...production, state: 'verified', verifiedAt: now, enableBy: afterBusinessDays(now, DAYS_TO_ENABLE) }
}
