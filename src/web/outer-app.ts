/** What surrounds every answer, whichever part of the application gives it: protecting headers, who asks, the log, error pages, health. */
import Koa, { type Middleware } from 'koa'
import type { Config } from '../config/config.ts'
import { health } from '../observability/health.ts'
import type { Logger } from '../observability/logger.ts'
import { type Store, StoreUnavailable } from '../store/store.ts'
import { cookieSigning } from './cookie-signing.ts'
import { errorPages } from './errors.ts'
import { pages } from './render.ts'
import { requestContext } from './request.ts'
import { requestLog } from './request-log.ts'
import { securityHeaders } from './security-headers.ts'

export interface OuterDeps {
  config: Config
  cookieKeys: string[]
  store: Pick<Store, 'driver' | 'check'>
  viewsDir: string
  logger: Logger
  now: () => number
  isDraining: () => boolean
  /** Where the store's settings may lose records: not ready. */
  isUnsafe?: (() => boolean) | undefined
}

export function outerApp({ config, cookieKeys, store, viewsDir, logger, now, isDraining, isUnsafe }: OuterDeps): Koa {
  const { issuer, listen, organization } = config
  const koa = new Koa()
  koa.keys = cookieSigning(cookieKeys)
  koa.use(securityHeaders())
  koa.use(requestContext({ trustedProxies: listen.trustedProxies, issuer }))
  koa.use(requestLog({ logger, maskedAfter: ['interaction', 'authorize'], quiet: ['/livez', '/readyz'], now }))
  koa.use(pages({ viewsDir, organization, issuer }))
  koa.use(errorPages({ logger }))
  koa.use(health({ driver: store.driver, check: () => store.check(), isUnsafe, isDraining, logger }))
  return koa
}

type WaitingDeps = Omit<OuterDeps, 'store'> & {
  store: Pick<Store, 'driver'>
  /** What needs no store. */
  served: Middleware
}

/** What answers until the store has been reached for the first time: that Keyward lives, is not ready, and 503 for nearly all else. */
export function createWaitingApp({ served, ...deps }: WaitingDeps): Koa {
  const notYet = async (): Promise<never> => {
    throw new StoreUnavailable('the store has not been reached yet')
  }
  return outerApp({ ...deps, store: { driver: deps.store.driver, check: notYet } })
    .use(served)
    .use(notYet)
}
