/**
 * Keeps a flood of refusals out of the audit trail, and off the endpoints that refuse: of what one address, or one client,
 * is refused within a window only so much is recorded one by one. What goes beyond is answered with 429 and counted: the
 * trail says at once that it begins, and in the end how many it were. Decisions are recorded always, and so is what
 * has a limit of its own.
 */
import type { Config } from '../config/config.ts'
import type { Store } from '../store/store.ts'
import { createAttempts } from '../web/attempts.ts'
import { PageError } from '../web/page-error.ts'
import { limitKeyOf } from '../web/request.ts'
import { createSharedLimit } from '../web/shared-limit.ts'
import type { AuditEvent, AuditSource } from './event.ts'
import type { AuditTrail } from './trail.ts'

interface Deps {
  trail: AuditTrail
  store: Store
  limits: Pick<Config['limits'], 'window' | 'refusalsPerAddress' | 'refusalsPerClient'>
  now: () => number
}

interface Flood {
  source: AuditSource
  since: number
  refused: number
}

/** In milliseconds: how often it is looked which floods are over. */
const LOOK_EVERY = 5000

/** Answered with a page of their own, which says what to do: here they are only counted. */
const ANSWERED_BY_PAGES = new Set([
  'sign-in',
  'second-factor',
  'second-factor-enrolment',
  'record-search',
  'patient-choice',
  'record-choice'
])
const BOUNDED = new Set(['authorization', 'token', 'introspection', 'revocation', 'launch', 'request', 'registration'])

export function boundRefusals({ trail, store, limits, now }: Deps): AuditTrail {
  const window = limits.window * 1000
  const attempts = createAttempts({ store, window })
  const perAddress = createSharedLimit({
    attempts,
    counter: 'refusals-address',
    limit: limits.refusalsPerAddress,
    window,
    now
  })
  const perClient = createSharedLimit({ attempts, counter: 'refusals-client', limit: limits.refusalsPerClient, window, now })
  const floods = new Map<string, Flood>()

  async function record(source: AuditSource, event: AuditEvent): Promise<void> {
    const kind = boundedKind(event)
    if (!kind) return trail.record(source, event)
    const address = limitKeyOf(source.address)
    const clientId = 'clientId' in event ? event.clientId : undefined
    const ofAddress = await perAddress.take(address)
    const ofClient = ofAddress.ok && clientId !== undefined ? await perClient.take(clientId) : ofAddress
    if (ofClient.ok) return trail.record(source, event)
    await count(ofAddress.ok ? `client ${clientId}` : address, source)
    if (kind === 'answered') throw new PageError(429, 'too-many', { retryAfter: ofClient.retryAfter })
  }

  async function count(key: string, source: AuditSource): Promise<void> {
    const flood = floods.get(key)
    if (flood) {
      flood.refused += 1
      return
    }
    floods.set(key, { source, since: now(), refused: 1 })
    await trail.record(source, { type: 'refusals', outcome: 'limited' })
  }

  async function settle(isOver: (flood: Flood) => boolean): Promise<void> {
    for (const [key, flood] of floods) {
      if (!isOver(flood)) continue
      floods.delete(key)
      const { source, since, refused } = flood
      const event: AuditEvent = { type: 'refusals', outcome: 'counted', since: new Date(since).toISOString(), refused }
      // Where it can't be written now, it is tried again with what has come since.
      await trail.record(source, event).catch(() => {
        floods.set(key, { ...flood, refused: refused + (floods.get(key)?.refused ?? 0) })
      })
    }
  }

  let settling = Promise.resolve()
  const timer = setInterval(() => {
    settling = settling.then(() => settle(({ since }) => since + window <= now()))
  }, LOOK_EVERY).unref()

  return {
    ...trail,
    record,
    async close() {
      clearInterval(timer)
      await settling
      await settle(() => true)
      await trail.close()
    }
  }
}

/** What a decision is about decides whether it may be counted only, and whether it still needs an answer then. */
function boundedKind(event: AuditEvent): 'answered' | 'counted' | undefined {
  if (event.outcome !== 'refused') return undefined
  if (ANSWERED_BY_PAGES.has(event.type)) {
    return 'reason' in event && (event.reason === 'busy' || event.reason === 'too-many-attempts') ? 'counted' : undefined
  }
  if (!BOUNDED.has(event.type)) return undefined
  // A person who is signed in decided it, or a FHIR server that proved who it is asked.
  if (event.type === 'authorization' && event.accountId !== undefined) return undefined
  return event.type === 'introspection' && event.clientId !== undefined ? undefined : 'answered'
}
