/** Registration by apps themselves, put together; nothing of it where the configuration doesn't switch it on. */
import type Router from '@koa/router'
import type { AuditTrail } from '../audit/trail.ts'
import { createStoredClients } from '../clients/stored-clients.ts'
import type { Config } from '../config/config.ts'
import type { Logger } from '../observability/logger.ts'
import type { Fence } from '../store/fence.ts'
import type { Store } from '../store/store.ts'
import { createAttempts } from '../web/attempts.ts'
import { createInvites } from './invites.ts'
import { watchRequests } from './production-watch.ts'
import { createRegistration } from './registration.ts'
import { registrationRoutes } from './routes.ts'

interface Deps {
  config: Pick<Config, 'issuer' | 'registration' | 'outbound'>
  store: Store
  fence: Pick<Fence, 'notBefore'>
  audit: AuditTrail
  logger: Logger
  now: () => number
}

const DAY = 86_400_000

export function selfRegistration({ config, store, fence, audit, logger, now }: Deps): { routers: Router[]; close(): void } {
  if (!config.registration.enabled) return { routers: [], close() {} }
  const stored = createStoredClients({ store, now })
  const router = registrationRoutes({
    issuer: config.issuer,
    registration: createRegistration({ stored, now }),
    invites: createInvites({ store, fence, now }),
    audit,
    attempts: createAttempts({ store, window: DAY }),
    perDay: config.registration.perDay,
    allowedHosts: config.outbound.allowedHosts,
    now
  })
  const watch = watchRequests({ stored, audit, logger, now })
  return { routers: [router], close: watch.close }
}
