/** Alarms about requests for production whose clock has run out: in the log of each process, and once in the audit trail. */
import { randomUUID } from 'node:crypto'
import type { AuditTrail } from '../audit/trail.ts'
import type { Clock, StoredClient, StoredClients } from '../clients/stored-clients.ts'
import type { Logger } from '../observability/logger.ts'
import { isOverdue, runningClock } from './production.ts'

const LOOK_EVERY = 3_600_000

interface Deps {
  stored: Pick<StoredClients, 'asking' | 'change'>
  audit: Pick<AuditTrail, 'record'>
  logger: Logger
  now: () => number
  /** In milliseconds. */
  every?: number
}

export function watchRequests({ stored, audit, logger, now, every = LOOK_EVERY }: Deps): { close(): void } {
  const told = new Set<string>()
  async function look(): Promise<void> {
    for (const request of await stored.asking()) {
      const running = runningClock(request)
      if (!running || !isOverdue(request, now())) continue
      const { clock, due } = running
      const { client_id: clientId } = request.client
      await report(request, clock)
      const name = `${clientId} ${clock} ${due}`
      if (told.has(name)) continue
      told.add(name)
      logger.warn({ clientId, clock, due: new Date(due).toISOString() }, 'a request for production is overdue')
    }
  }

  /** Recorded before it is marked as recorded: two processes at once may say it twice, none says it never. */
  async function report({ client, production }: StoredClient, clock: Clock): Promise<void> {
    if (production?.reported?.includes(clock)) return
    const source = { requestId: randomUUID(), address: 'keyward' }
    await audit.record(source, { type: 'registration', outcome: 'production-overdue', reason: clock, clientId: client.client_id })
    await stored.change(client.client_id, (current) =>
      current.production?.askedAt === production?.askedAt && current.production
        ? { ...current, production: { ...current.production, reported: [...(current.production.reported ?? []), clock] } }
        : undefined
    )
  }

  let looking = false
  async function lookAgain(): Promise<void> {
    if (looking) return
    looking = true
    await look().catch((err: unknown) => logger.warn({ err }, 'requests for production can not be read'))
    looking = false
  }
  void lookAgain()
  const timer = setInterval(lookAgain, every).unref()
  return { close: () => clearInterval(timer) }
}
