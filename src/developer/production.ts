/**
 * Requests of registered apps for production: asked by the app, answered by an operator. The clock is that of
 * 45 CFR 170.404(b)(1): ten business days to verify that the app is whose it says. It may be used at once then,
 * which is within the five days that follow. Nothing but its authenticity is asked of an app that patients choose.
 */
import type { ProductionRequest, StoredClient, StoredClients } from '../clients/stored-clients.ts'
import type { Logger } from '../observability/logger.ts'

const DAY = 86_400_000
const DAYS_TO_VERIFY = 10
const LOOK_EVERY = 3_600_000

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

export function isOverdue({ production }: StoredClient, now: number): boolean {
  return production?.state === 'asked' && production.verifyBy < now
}

/** Undefined where nothing is asked: there is nothing to answer. */
export function approved({ keptUntil, ...stored }: StoredClient, now: number): StoredClient | undefined {
  if (stored.production?.state !== 'asked') return undefined
  return {
    ...stored,
    client: { ...stored.client, verified: true },
    sandbox: false,
    production: { ...stored.production, state: 'approved', answeredAt: now }
  }
}

export function declined(stored: StoredClient, reason: string, now: number): StoredClient | undefined {
  if (stored.production?.state !== 'asked') return undefined
  return { ...stored, production: { ...stored.production, state: 'declined', answeredAt: now, reason } }
}

interface Watching {
  stored: Pick<StoredClients, 'asking'>
  logger: Logger
  now: () => number
  /** In milliseconds. */
  every?: number
}

/** Says once in the log of each process which requests nobody has answered in time. */
export function watchRequests({ stored, logger, now, every = LOOK_EVERY }: Watching): { close(): void } {
  const told = new Set<string>()
  async function look(): Promise<void> {
    for (const request of await stored.asking()) {
      const { client_id: clientId } = request.client
      if (!isOverdue(request, now()) || told.has(clientId)) continue
      told.add(clientId)
      const due = new Date(request.production?.verifyBy ?? 0).toISOString()
      logger.warn({ clientId, due }, 'a request for production is overdue')
    }
  }
  const lookAgain = () => look().catch((err: unknown) => logger.warn({ err }, 'requests for production can not be read'))
  void lookAgain()
  const timer = setInterval(lookAgain, every).unref()
  return { close: () => clearInterval(timer) }
}
