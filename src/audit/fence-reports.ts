/** Tells operators, in the log and in the audit trail, that the store may have forgotten something; and that it is empty. */
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from '../observability/logger.ts'
import type { FenceNews, StoreFence } from '../store/fence.ts'
import type { AuditTrail } from './trail.ts'

interface Deps {
  fence: StoreFence
  audit: Pick<AuditTrail, 'record' | 'listAnew'>
  logger: Logger
  /** Puts back what every start makes sure of. */
  onEmpty: () => Promise<void>
}

const SENTENCES: Record<FenceNews['why'], string> = {
  new: 'the store is new: if it should not be, it is not the one that was used before',
  empty: 'ALARM: the store has been emptied; people have to sign in again, and records are lost unless it is restored',
  'other-server':
    'ALARM: the store is another server than before, or was restarted, and may have lost the last writes; codes, assertions and launches from before are refused',
  elsewhere: 'another process has found that the store may have lost the last writes'
}

/** In milliseconds. */
const PAUSE = 1000
const TRIES = 60

export function reportFence({ fence, audit, logger, onEmpty }: Deps): { close(): void } {
  const ending = new AbortController()

  async function patiently(work: () => Promise<void>): Promise<void> {
    for (let tries = 1; !ending.signal.aborted; tries += 1) {
      try {
        return await work()
      } catch (err) {
        if (tries === TRIES) return logger.error({ err }, 'what an emptied or replaced store asks for could not be done')
      }
      await wait(PAUSE, undefined, { signal: ending.signal }).catch(() => undefined)
    }
  }

  fence.onRaised(({ why, server, notBefore }) => {
    const since = new Date(notBefore).toISOString()
    const at = { ...(server && { server }), notBefore: since }
    if (why === 'empty' || why === 'other-server') logger.error(at, SENTENCES[why])
    else logger.info(at, SENTENCES[why])
    if (why !== 'empty' && why !== 'other-server') return
    const source = { requestId: randomUUID(), address: 'store' }
    void patiently(async () => {
      if (why === 'empty') await audit.listAnew()
      await audit.record(source, { type: 'store', outcome: 'fenced', reason: why, notBefore: since })
    })
    if (why === 'empty') void patiently(onEmpty)
  })
  return { close: () => ending.abort() }
}
