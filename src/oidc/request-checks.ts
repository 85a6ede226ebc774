/**
 * What SMART adds to the checks of an authorization request: `aud` names a FHIR
 * server of ours, `launch` is a live handle for this app, something of what is
 * asked for may be granted at all.
 */
import { randomBytes } from 'node:crypto'
import { type Client, errors, type KoaContextWithOIDC } from 'oidc-provider'
import type { AuditTrail } from '../audit/trail.ts'
import { OWN_CLIENT_ID } from '../clients/clients.ts'
import type { FhirServer } from '../config/config.ts'
import { fhirServerAt, isOpenTo } from '../smart/fhir-servers.ts'
import type { Launches } from '../smart/launch.ts'
import { describeDropped, droppedScopes } from '../smart/scope-decision.ts'
import { permittedScopes, splitScope } from '../smart/scope-policy.ts'
import { sourceOf } from '../web/request.ts'
import { notesOf } from './request-notes.ts'
import type { StatedUsers } from './stated-users.ts'

interface Deps {
  issuer: string
  fhirServers: readonly FhirServer[]
  launches: Launches
  statedUsers: StatedUsers
  audit: AuditTrail
}

/** RFC 7636 §4.2. The engine lets lengths pass that no verifier can ever meet. */
const S256_CHALLENGE = /^[\w-]{43}$/

/** In characters. */
const LONGEST_REPEATED = 1000

const BROWSER = /^[\w-]{43}$/

type Check = (ctx: KoaContextWithOIDC, value: string | undefined, client: Client) => Promise<void>

export function requestChecks({ issuer, fhirServers, launches, statedUsers, audit }: Deps): Record<'aud' | 'launch', Check> {
  const isSecure = issuer.startsWith('https:')
  // __Host-: no neighbouring subdomain can plant it. Browsers take it over https only.
  const cookieName = isSecure ? '__Host-keyward_launch' : 'keyward_launch'

  return {
    async aud(ctx, value, client) {
      if (client.clientId === OWN_CLIENT_ID) return
      if (client.disabled === true) throw new errors.UnauthorizedClient('this app has been switched off here')
      const fhirServer = fhirServerAt(fhirServers, value)
      if (!fhirServer)
        throw new errors.InvalidRequest('aud must be the base URL of a FHIR server that this server authorizes for')
      if (!isOpenTo(fhirServer, client))
        throw new errors.InvalidRequest('aud is not open to this app yet: it is registered for test servers only')
      const { resource, response_mode: mode, code_challenge: challenge } = ctx.oidc.params ?? {}
      if (!S256_CHALLENGE.test(String(challenge)))
        throw new errors.InvalidRequest('code_challenge must be the base64url form of a SHA-256 hash')
      // The others would put a code where pages and histories can read it; nor does this refusal go by them.
      if (mode !== undefined && mode !== 'query') {
        delete ctx.oidc.params?.response_mode
        throw new errors.InvalidRequest('response_mode must be query')
      }
      if (resource !== undefined && !sameServer(resource, fhirServer)) throw new errors.InvalidTarget('resource and aud differ')
      nameResource(ctx, fhirServer)
      keepOfflineAccess(ctx, client)
      const registered = splitScope(String(client.smart_scope ?? ''))
      const asked = splitScope(scopeOf(ctx))
      if (permittedScopes(asked, registered, 'person', fhirServer.enforces).length > 0) return
      const dropped = droppedScopes({ asked, registered, enforces: fhirServer.enforces })
      notesOf(ctx).decision = { asked, dropped }
      const why = dropped.length > 0 ? `: ${describeDropped(dropped)}` : ''
      throw new errors.InvalidScope(`none of the scopes asked for may be granted to this app${why}`, short(scopeOf(ctx)))
    },
    async launch(ctx, value, client) {
      if (value === undefined) return
      if (!splitScope(scopeOf(ctx)).includes('launch')) throw new errors.InvalidRequest('launch is sent without the scope launch')
      const fhirServer = fhirServerAt(fhirServers, ctx.oidc.params?.aud)
      const codeChallenge = ctx.oidc.params?.code_challenge
      if (!fhirServer || typeof codeChallenge !== 'string') throw new errors.InvalidRequest('launch needs aud and code_challenge')
      const { clientId } = client
      const browser = browserOf(ctx)
      const launch = await launches.redeem(value, { clientId, fhirServer: fhirServer.id, codeChallenge, browser })
      if (!launch)
        throw new errors.InvalidRequest('launch is unknown, too old, used already, or not for this app and FHIR server')
      const { ehr, context } = launch
      const parties = { clientId, fhirServer: fhirServer.id, ehr, ...(context.patient ? { patient: context.patient } : {}) }
      await audit.record(sourceOf(ctx), { type: 'launch', outcome: 'redeemed', ...parties })
      if (launch.statedAt !== undefined) await statedUsers.signIn(ctx, launch)
    }
  }

  /** A cookie that says only that it is the same browser; made where there is none. */
  function browserOf(ctx: KoaContextWithOIDC): string {
    const known = ctx.cookies.get(cookieName, { signed: false })
    if (known !== undefined && BROWSER.test(known)) return known
    const made = randomBytes(32).toString('base64url')
    ctx.append('Set-Cookie', `${cookieName}=${made}; Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`)
    return made
  }

  function sameServer(resource: unknown, { id }: FhirServer): boolean {
    const all = Array.isArray(resource) ? resource : [resource]
    return all.every((one) => fhirServerAt(fhirServers, one)?.id === id)
  }
}

/** What is granted is granted at the base URL as it is configured: a slash more would be another resource to the engine. */
function nameResource({ oidc: { params, resourceServers } }: KoaContextWithOIDC, { baseUrl }: FhirServer): void {
  if (params?.resource === undefined) return
  params.resource = baseUrl
  for (const name of Object.keys(resourceServers ?? {})) if (name !== baseUrl) delete resourceServers?.[name]
}

/** The engine drops offline_access without prompt=consent, which SMART apps don't send: our consent page asks about it. */
function keepOfflineAccess(ctx: KoaContextWithOIDC, client: Client): void {
  const asked = splitScope(typeof ctx.query.scope === 'string' ? ctx.query.scope : undefined)
  const kept = splitScope(scopeOf(ctx))
  if (!asked.includes('offline_access') || kept.includes('offline_access') || !ctx.oidc.params) return
  if (client.grantTypeAllowed('refresh_token')) ctx.oidc.params.scope = [...kept, 'offline_access'].join(' ')
}

/** The engine repeats the scope in the redirect: only one that a proxy would let through. */
const short = (scope = ''): string => (scope.length > LONGEST_REPEATED ? '' : scope)

function scopeOf(ctx: KoaContextWithOIDC): string | undefined {
  const scope = ctx.oidc.params?.scope
  return typeof scope === 'string' ? scope : undefined
}
