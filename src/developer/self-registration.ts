/** Registration by apps themselves, put together; nothing of it where the configuration doesn't switch it on. */
import type Router from '@koa/router'
import type { AuditTrail } from '../audit/trail.ts'
import { createStoredClients } from '../clients/stored-clients.ts'
import type { Config } from '../config/config.ts'
import type { Logger } from '../observability/logger.ts'
import type { BrowserSessions } from '../portal/browser-session.ts'
import type { Fence } from '../store/fence.ts'
import type { Store } from '../store/store.ts'
import { createAttempts } from '../web/attempts.ts'
import { createInvites } from './invites.ts'
import { createOwnedApps } from './owned-apps.ts'
import { developerPages } from './pages.ts'
import { watchRequests } from './production-watch.ts'
import { createRegistration } from './registration.ts'
import { registrationRoutes } from './routes.ts'

interface Deps {
  config: Pick<Config, 'issuer' | 'registration' | 'outbound' | 'fhirServers'>
  sessions: BrowserSessions
  store: Store
  fence: Pick<Fence, 'notBefore'>
  audit: AuditTrail
  logger: Logger
  now: () => number
}

const DAY = 86_400_000

interface SelfRegistration {
  /** For programs, RFC 7591 and RFC 7592. */
  register: Router[]
  /** For people, with forms. */
  pages: Router[]
  close(): void
}

export function selfRegistration({ config, sessions, store, fence, audit, logger, now }: Deps): SelfRegistration {
  if (!config.registration.enabled) return { register: [], pages: [], close() {} }
  const { issuer, fhirServers } = config
  const stored = createStoredClients({ store, now })
  const limited = {
    attempts: createAttempts({ store, window: DAY }),
    perDay: config.registration.perDay,
    allowedHosts: config.outbound.allowedHosts
  }
  const router = registrationRoutes({
    issuer,
    registration: createRegistration({ stored, now }),
    invites: createInvites({ store, fence, now }),
    audit,
    ...limited,
    now
  })
  const apps = createOwnedApps({ stored, now })
  const pages = developerPages({ issuer, fhirServers, sessions, apps, store, audit, ...limited, now })
  const watch = watchRequests({ stored, audit, logger, now })
  return { register: [router], pages: [pages], close: watch.close }
}
