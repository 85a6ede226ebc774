/** Builds the token and the revocation endpoint, with the grant types that there are. The rules are in the files beside this one. */
import type Router from '@koa/router'
import type { AuditTrail } from '../../audit/trail.ts'
import type { ClientAuthenticator } from '../../clients/authenticate.ts'
import type { Clients } from '../../clients/clients.ts'
import type { Config } from '../../config/config.ts'
import type { Fence } from '../../store/fence.ts'
import type { Store } from '../../store/store.ts'
import type { AccessCheck } from '../access.ts'
import type { AccessTokenValues } from '../jwt-access-tokens.ts'
import { authorizationCodeGrant } from './authorization-code.ts'
import { clientCredentialsGrant } from './client-credentials.ts'
import type { IdTokens } from './id-token.ts'
import { createIssuing } from './issue.ts'
import { refreshTokenGrant } from './refresh-token.ts'
import { createResources } from './resource.ts'
import { createRevocation } from './revocation.ts'
import { tokenRoutes } from './routes.ts'

interface Deps {
  config: Pick<Config, 'issuer' | 'fhirServers' | 'lifetimes'>
  store: Store
  fence: Fence
  audit: AuditTrail
  clients: Clients
  authenticator: ClientAuthenticator
  access: AccessCheck
  idTokens: IdTokens
  accessTokenValues: AccessTokenValues
  now: () => number
}

export function tokenEndpoint(deps: Deps): Router {
  const { config, store, fence, audit, clients, authenticator, access, idTokens, accessTokenValues, now } = deps
  const { issuer, fhirServers, lifetimes } = config
  const issuing = createIssuing({ store, audit, idTokens, accessTokenValues, lifetimes, now })
  const granting = { store, access, issuing, resources: createResources(fhirServers), lifetimes, now }
  const grants = new Map([
    ['authorization_code', authorizationCodeGrant({ ...granting, fence })],
    ['refresh_token', refreshTokenGrant(granting)],
    ['client_credentials', clientCredentialsGrant({ issuer, store, audit, accessTokenValues, fhirServers, lifetimes, now })]
  ])
  const revocation = createRevocation({ store, audit, accessTokenValues })
  return tokenRoutes({ store, clients, authenticator, grants, revocation, audit })
}
