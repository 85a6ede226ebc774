/**
 * The composition root: builds everything from configuration, secrets, store and
 * clock, in the order of the folders, and mounts it. The only file that knows all
 * of them.
 */
import { fileURLToPath } from 'node:url'
import type Router from '@koa/router'
import Koa, { type Context, type Middleware } from 'koa'
import mount from 'koa-mount'
import type Provider from 'oidc-provider'
import { createAccounts } from './accounts/accounts.ts'
import { createConfiguredAccounts } from './accounts/configured-accounts.ts'
import type { Hashing } from './accounts/hashing.ts'
import { createPasswords } from './accounts/password.ts'
import { createSecondFactor } from './accounts/second-factor.ts'
import { createSignIn } from './accounts/sign-in.ts'
import { boundRefusals } from './audit/bounded-trail.ts'
import { reportFence } from './audit/fence-reports.ts'
import { openAuditTrail } from './audit/trail.ts'
import { createAssertions } from './clients/assertions.ts'
import { createClientAuthenticator } from './clients/authenticate.ts'
import { createClientKeys } from './clients/client-keys.ts'
import { createClients } from './clients/clients.ts'
import { createRemoteKeys } from './clients/remote-keys.ts'
import { createUserStatements } from './clients/user-statements.ts'
import type { Config } from './config/config.ts'
import { approveByOrganization } from './consent/approved.ts'
import { createConsents } from './consent/consents.ts'
import { readKinds } from './consent/kinds.ts'
import { consentRoutes } from './consent/routes.ts'
import { selfRegistration } from './developer/self-registration.ts'
import { createSessionEnds } from './interaction/session-ends.ts'
import { createInteractionSteps } from './interaction/step.ts'
import { watchSigningKeys } from './keys/signing-key-watch.ts'
import { loadSigningKeys } from './keys/signing-keys.ts'
import { loginRoutes } from './login/routes.ts'
import { mfaRoutes } from './mfa/routes.ts'
import type { Logger } from './observability/logger.ts'
import { createAccessCheck } from './oidc/access.ts'
import { adapters } from './oidc/adapter.ts'
import { limitAnonymous } from './oidc/anonymous-interactions.ts'
import { authorizationRequests } from './oidc/authorization-requests.ts'
import { bearerAuthenticator } from './oidc/bearer.ts'
import { engineConfiguration } from './oidc/configuration.ts'
import { existingGrant } from './oidc/existing-grant.ts'
import { framedLaunches } from './oidc/framed-launches.ts'
import { interactionSteps } from './oidc/interaction-policy.ts'
import { introspection } from './oidc/introspection.ts'
import { createAccessTokenValues } from './oidc/jwt-access-tokens.ts'
import { fhirClientWithOwnTokens } from './oidc/own-tokens.ts'
import { replaceKeys } from './oidc/patches.ts'
import { createProvider } from './oidc/provider.ts'
import { createPushedRequests } from './oidc/pushed-requests.ts'
import { requestChecks } from './oidc/request-checks.ts'
import { createRequestObjects } from './oidc/request-object.ts'
import { createStatedUsers } from './oidc/stated-users.ts'
import { tokenEndpoint } from './oidc/token/endpoint.ts'
import { createIdTokens } from './oidc/token/id-token.ts'
import { createTokenSigner } from './oidc/token-signer.ts'
import { patientRoutes } from './patient/routes.ts'
import { accountRoutes } from './portal/account-routes.ts'
import { createBrowserSessions } from './portal/browser-session.ts'
import { createAuthorizations } from './smart/authorization.ts'
import { brandBundle } from './smart/brand-bundle.ts'
import { brandNames } from './smart/brand-names.ts'
import { smartDiscovery } from './smart/discovery.ts'
import { createLaunches } from './smart/launch.ts'
import { launchRoutes } from './smart/launch-routes.ts'
import type { StoreFence } from './store/fence.ts'
import type { Store } from './store/store.ts'
import { createAttempts } from './web/attempts.ts'
import { csrf } from './web/csrf.ts'
import { bySegment } from './web/dispatch.ts'
import { keptDocuments } from './web/documents.ts'
import { limits } from './web/limits.ts'
import { createOutbound } from './web/outbound.ts'
import { outerApp } from './web/outer-app.ts'
import { sourceOf } from './web/request.ts'
import { createSharedLimit } from './web/shared-limit.ts'
import { staticFiles } from './web/static.ts'

export interface AppDeps {
  config: Config
  cookieKeys: string[]
  store: Store
  /** Since when nothing single-use is refused for the store's sake. */
  fence: StoreFence
  logger: Logger
  now: () => number
  isDraining: () => boolean
  /** Where passwords are hashed: in this process, unless another is given. */
  hashing?: Hashing | undefined
  /** Where the store's settings may lose records: not ready. */
  isUnsafe?: (() => boolean) | undefined
  /** In milliseconds: how often it is looked whether the signing keys have changed. */
  signingKeysEvery?: number | undefined
}

export interface App {
  koa: Koa
  /** Ends the audit chain; after it nothing can be decided any more. */
  close(): Promise<void>
}

/** A window so long that a count in it ends only with a success, in milliseconds. */
const UNTIL_SUCCESS = 10 * 365 * 24 * 60 * 60 * 1000
const METADATA = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']
const STYLES = ['style.css', 'forms.css', 'consent.css', 'apps.css']
export const VIEWS = fileURLToPath(new URL('../views', import.meta.url))

export async function createApp(deps: AppDeps): Promise<App> {
  const { config, cookieKeys, store, fence, logger, now, isDraining, hashing, isUnsafe, signingKeysEvery } = deps
  const { fhirServers, issuer, lifetimes, limits: most, organization } = config
  const audit = boundRefusals({ trail: await openAuditTrail({ store, now }), store, limits: most, now })
  const kinds = readKinds(VIEWS)
  const window = most.window * 1000
  const attempts = createAttempts({ store, window })
  const begun = createSharedLimit({ attempts, counter: 'begun', limit: most.authorizationsPerAddress, window, now })
  const passwords = await createPasswords({ ...(hashing && { hashing }) })
  const accounts = createAccounts({ store, passwords, now })
  const signIn = createSignIn({ accounts, passwords, attempts, limits: config.limits })
  const secondFactor = createSecondFactor({
    accounts,
    fence,
    attempts,
    lasting: createAttempts({ store, window: UNTIL_SUCCESS }),
    policy: config.secondFactor,
    limits: config.limits,
    organizationName: organization.name,
    now
  })
  const makeAccounts = () =>
    createConfiguredAccounts({
      accounts,
      config,
      warn: (problem) => logger.warn({ problem }, 'production would refuse this')
    })
  await makeAccounts()

  const clients = createClients({ configured: config.clients, issuer, store, now })
  const outbound = createOutbound({ allowedHosts: config.outbound.allowedHosts, now })
  const clientKeys = createClientKeys({ remoteKeys: createRemoteKeys({ outbound, now }) })
  const authenticator = createClientAuthenticator({
    clients,
    assertions: createAssertions({ issuer, find: clients.find, store, keys: clientKeys, fence, now })
  })
  const launches = createLaunches({ store, fence, now })
  const userStatements = createUserStatements({ issuer, fhirServers, store, keys: clientKeys, fence, now })
  const authorizations = createAuthorizations({ accounts, clients, launches, fhirServers })
  const consents = createConsents({ store, now })
  const signingKeys = await loadSigningKeys(store, now)
  const signer = createTokenSigner(signingKeys)
  const idTokens = createIdTokens({ issuer, fhirServers, signer, lifetime: lifetimes.accessToken, now })
  const accessTokenValues = createAccessTokenValues({ issuer, fhirServers, signer })
  const sessionEnds = createSessionEnds({ store, lifetime: config.lifetimes.session, now })
  const fhir = fhirClientWithOwnTokens({ fhirServers, store, audit, accessTokenValues, now })
  const statedUsers = createStatedUsers({ accounts, clients, secondFactor, launches, sessionEnds, audit })
  const access = createAccessCheck({
    store,
    accounts,
    clients,
    consents,
    fhirServers,
    sessionExists: async (uid, accountId) => (await provider.Session.findByUid(uid))?.accountId === accountId
  })
  const provider: Provider = createProvider(
    issuer,
    engineConfiguration({
      config,
      cookieKeys,
      jwks: signingKeys,
      adapter: limitAnonymous(adapters({ store, fence, clients, sessionEnds, now }), begun),
      accounts,
      policy: interactionSteps({ accounts, secondFactor, authorizations }),
      checks: requestChecks({ issuer, fhirServers, launches, statedUsers, audit }),
      loadExistingGrant: existingGrant({
        provider: () => provider,
        accounts,
        secondFactor,
        statedUsers,
        authorizations,
        consents,
        approve: approveByOrganization({ consents, audit }),
        kinds,
        accessTokenTTL: config.lifetimes.accessToken
      }),
      now
    }),
    { audit, logger }
  )
  const reports = reportFence({
    fence,
    audit,
    logger,
    async onEmpty() {
      await Promise.all([makeAccounts(), loadSigningKeys(store, now)])
    }
  })
  provider.proxy = true
  // Kept for less than a next key is published before it signs.
  const keySet = keptDocuments({ paths: ['/jwks'], maxAge: 300 })
  const metadata = keptDocuments({ paths: METADATA, maxAge: 300 })
  const watch = watchSigningKeys({
    store,
    now,
    logger,
    current: signingKeys,
    onChange: (keys) => {
      replaceKeys(provider, keys)
      signer.replaceKeys(keys)
      keySet.forget()
    },
    every: signingKeysEvery
  })
  const steps = createInteractionSteps({ provider, clients, sessionEnds, audit })
  const sessions = createBrowserSessions({ provider, accounts, secondFactor, sessionEnds })
  const refused = (reason: 'csrf' | 'host') => (ctx: Context) =>
    audit.record(sourceOf(ctx), { type: 'request', outcome: 'refused', reason })

  const koa = outerApp({ config, cookieKeys, store, viewsDir: VIEWS, logger, now, isDraining, isUnsafe })
  koa.use(limits({ issuer, onRefused: refused('host') }))
  koa.use(staticFiles({ viewsDir: VIEWS, files: STYLES, branded: ['theme.css'], organization }))
  koa.use(keySet.middleware)
  koa.use(metadata.middleware)
  const forms = csrf({ cookieKeys, issuer, paths: ['/interaction', '/account', '/developer'], onRefused: refused('csrf') })
  const brandNameOf = brandNames(config.brands)
  const interaction = [
    loginRoutes({ steps, signIn, audit, begun, now }),
    mfaRoutes({ steps, accounts, secondFactor, audit, now }),
    patientRoutes({ steps, authorizations, store, fhir, audit, attempts, limits: most, now }),
    consentRoutes({
      steps,
      authorizations,
      consents,
      kinds,
      audit,
      startTicked: config.consent.startTicked,
      brandNameOf,
      accountUrl: `${issuer}/account`,
      now
    })
  ]
  const requests = partOf([
    authorizationRequests({
      provider: () => provider,
      authenticator,
      pushed: createPushedRequests({ store, limit: begun, now }),
      requestObjects: createRequestObjects({ issuer, clients, keys: clientKeys, now }),
      fhirServers,
      audit
    }),
    framedLaunches({ issuer, fhirServers, clients, launches, audit })
  ])
  const callers = { clients, authenticator, bearerClient: bearerAuthenticator({ issuer, store, clients, now }) }
  const developers = selfRegistration({ config, sessions, store, fence, audit, logger, now })
  const tokens = partOf([
    tokenEndpoint({ config, store, fence, audit, clients, authenticator, access, idTokens, accessTokenValues, now })
  ])
  koa.use(
    bySegment({
      interaction: partOf(interaction, forms),
      account: partOf([accountRoutes({ issuer, sessions, consents, clients, brandNameOf, kinds, audit })], forms),
      developer: partOf(developers.pages, forms),
      authorize: requests,
      par: requests,
      fhir: partOf([], smartDiscovery(config)),
      brands: partOf([], await brandBundle({ config, store, now })),
      launch: partOf([launchRoutes({ ...callers, launches, userStatements, audit })]),
      introspect: partOf([], introspection({ ...callers, issuer, fhirServers, store, access, accessTokenValues, audit, now })),
      register: partOf(developers.register),
      token: tokens,
      revoke: tokens
    })
  )
  koa.use(mount('/', provider))

  return {
    koa,
    close() {
      watch.close()
      developers.close()
      reports.close()
      return audit.close()
    }
  }
}

function partOf(routers: readonly Router[], ...before: Middleware[]): Koa {
  const part = new Koa()
  for (const middleware of before) part.use(middleware)
  for (const router of routers) part.use(router.routes())
  return part
}
