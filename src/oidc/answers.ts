/**
 * What happens between the engine's answer and its leaving: the decision goes into
 * the audit trail, the token request's writes are committed, SMART's members are
 * added. Awaited, so that no token leaves unaudited; where the trail can't be
 * written, nothing has been spent.
 */
import type { Context } from 'koa'
import type Provider from 'oidc-provider'
import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import type { AuditEvent } from '../audit/event.ts'
import type { AuditTrail } from '../audit/trail.ts'
import { answerUnauthenticated } from '../clients/authenticate.ts'
import { OWN_CLIENT_ID } from '../clients/clients.ts'
import type { Config } from '../config/config.ts'
import { SCOPES_SUPPORTED } from '../smart/discovery.ts'
import { splitScope } from '../smart/scope-policy.ts'
import { contextMembers } from '../smart/token-response.ts'
import type { Store } from '../store/store.ts'
import { sourceOf } from '../web/request.ts'
import type { Access } from './access.ts'
import { engineKind } from './engine-records.ts'
import { renewGrant } from './grant-renewal.ts'
import type { GrantContext } from './patches.ts'
import { allowRetry, type Successor, successorMadeMeanwhile } from './refresh-retry.ts'
import { notesOf } from './request-notes.ts'
import { commitTokenWrites } from './token-writes.ts'

interface Deps {
  provider: Provider
  store: Store
  audit: AuditTrail
  config: Config
  now: () => number
}

type Answer = (ctx: KoaContextWithOIDC) => Promise<void>
type TokenEvent = Extract<AuditEvent, { type: 'token' }>

export function completeAnswers({ provider, store, audit, config, now }: Deps): void {
  const refusal = (ctx: KoaContextWithOIDC, error: Error): void => {
    notesOf(ctx).refusal = error
  }
  provider.on('authorization.error', refusal)
  provider.on('grant.error', refusal)
  provider.on('revocation.error', refusal)
  provider.on('server_error', (ctx, error) => {
    notesOf(ctx).fault = error
  })
  provider.on('grant.revoked', (ctx, grantId) => {
    notesOf(ctx).endedGrant = grantId
  })

  const answers: Record<string, Answer> = { authorization, resume: authorization, token, revocation, discovery }
  provider.use(async (ctx, next) => {
    await next()
    // A fault of ours is answered by web/errors.ts, which tells an unreachable store from a bug.
    const { fault } = notesOf(ctx)
    if (fault) throw fault
    if (isEngines(ctx)) await answers[ctx.oidc.route]?.(ctx)
  })

  async function authorization(ctx: KoaContextWithOIDC): Promise<void> {
    const { client, session, entities } = ctx.oidc
    const error = notesOf(ctx).refusal
    const parties = partiesOf(ctx)
    if (!error && client?.clientId === OWN_CLIENT_ID) return
    if (error) {
      const account = session?.accountId ? { accountId: session.accountId } : {}
      await record(ctx, { type: 'authorization', outcome: 'refused', reason: reasonOf(error), ...account, ...parties })
    } else if (entities.AuthorizationCode) {
      const { accountId, scope, grantId } = entities.AuthorizationCode
      await record(ctx, {
        type: 'authorization',
        outcome: 'granted',
        scopes: splitScope(scope),
        ...parties,
        ...(accountId ? { accountId } : {}),
        ...(grantId ? { grantId } : {})
      })
    }
  }

  async function token(ctx: KoaContextWithOIDC): Promise<void> {
    ctx.set('Cache-Control', 'no-store')
    ctx.set('Pragma', 'no-cache')
    const grantType =
      typeof ctx.oidc.params?.grant_type === 'string' ? { grantType: ctx.oidc.params.grant_type.slice(0, 100) } : {}
    const { refusal, access, tokenWrites: writes, successor } = notesOf(ctx)
    if (refusal) return tokenRefused(ctx, refusal, grantType)
    if (!access || !writes) throw new Error('a token was issued without its Grant being looked at')
    const { scope } = bodyOf(ctx)
    const scopes = splitScope(typeof scope === 'string' ? scope : undefined)
    const { grantId } = access
    const parties = { ...partiesOf(ctx), accountId: access.account.sub, grantId }
    if (successor) return answerAgain(ctx, successor, access, { ...grantType, ...parties })
    renewGrant(writes, access, config.lifetimes, now())
    allowRetry(writes, config.lifetimes.refreshRetry, now())
    await record(ctx, { type: 'token', outcome: 'issued', scopes, ...grantType, ...parties })
    if (await commitTokenWrites(store, writes)) {
      Object.assign(bodyOf(ctx), contextMembers(access.grant.launchContext, scopes))
      return
    }
    const given = await successorMadeMeanwhile(store, writes, now())
    if (given) return answerAgain(ctx, given, access, { ...grantType, ...parties })
    // Another request was first, with the same code or refresh token: whose, nobody can tell. RFC 9700 §4.14.2
    await store.delete(engineKind('Grant'), grantId)
    await record(ctx, { type: 'token', outcome: 'withdrawn', reason: 'used-at-the-same-time', ...grantType, ...parties })
    ctx.status = 400
    ctx.body = { error: 'invalid_grant', error_description: 'grant request is invalid' }
  }

  /** A retry: what the engine has made for it is dropped, unwritten. Its id_token names neither token, and may stay. */
  async function answerAgain(
    ctx: KoaContextWithOIDC,
    successor: Successor,
    { grant }: Access,
    about: Partial<TokenEvent>
  ): Promise<void> {
    const { exp, ...given } = successor
    const scopes = splitScope(given.scope)
    await record(ctx, { ...about, type: 'token', outcome: 'issued', reason: 'retry', scopes })
    const expiresIn = { expires_in: exp - Math.floor(now() / 1000) }
    Object.assign(bodyOf(ctx), given, expiresIn, contextMembers(grant.launchContext, scopes))
  }

  async function tokenRefused(ctx: KoaContextWithOIDC, error: unknown, grantType: { grantType?: string }): Promise<void> {
    requireClient(ctx, error)
    const { client, params } = ctx.oidc
    const asked = String(params?.grant_type ?? '')
    // RFC 6749 §5.2 has a word of its own for a grant type that the server knows and the client was not given.
    if (
      error instanceof errors.InvalidRequest &&
      client &&
      ['authorization_code', 'refresh_token'].includes(asked) &&
      !client.grantTypeAllowed(asked)
    ) {
      ctx.body = { error: 'unauthorized_client', error_description: 'this client is not registered for that grant type' }
    }
    const { accountId } = grantOf(ctx)
    const parties = { ...partiesOf(ctx), ...(accountId ? { accountId } : {}) }
    const what = REUSE[detailOf(error)]
    const grantId = notesOf(ctx).endedGrant
    if (what && grantId) await record(ctx, { type: 'token-reuse', outcome: 'grant-ended', what, grantId, ...parties })
    else await record(ctx, { type: 'token', outcome: 'refused', reason: reasonOf(error), ...grantType, ...parties })
  }

  async function revocation(ctx: KoaContextWithOIDC): Promise<void> {
    ctx.set('Cache-Control', 'no-store')
    ctx.set('Pragma', 'no-cache')
    const { client, entities } = ctx.oidc
    const error = notesOf(ctx).refusal
    requireClient(ctx, error)
    if (error instanceof errors.UnsupportedTokenType) {
      // RFC 7009 §2.2: what is no token of ours is as good as revoked.
      ctx.status = 200
      ctx.body = ''
    }
    const token = entities.RefreshToken ?? entities.AccessToken
    const parties = partiesOf(ctx)
    if (token && token.clientId === client?.clientId && !error) {
      const { accountId, grantId } = token
      const whose = { ...(accountId ? { accountId } : {}), ...(grantId ? { grantId } : {}) }
      return record(ctx, { type: 'revocation', outcome: 'revoked', ...parties, ...whose })
    }
    const reason = token ? 'token-of-another-client' : ctx.status === 200 ? 'no-such-token' : reasonOf(error)
    await record(ctx, { type: 'revocation', outcome: 'refused', reason, ...parties })
  }

  async function discovery(ctx: KoaContextWithOIDC): Promise<void> {
    Object.assign(bodyOf(ctx), { scopes_supported: SCOPES_SUPPORTED })
  }

  function record(ctx: KoaContextWithOIDC, event: AuditEvent): Promise<void> {
    return audit.record(sourceOf(ctx), event)
  }

  function partiesOf(ctx: KoaContextWithOIDC): { clientId?: string; fhirServer?: string; patient?: string } {
    const { fhirServer, launchContext } = grantOf(ctx)
    const clientId = ctx.oidc.client?.clientId
    return {
      ...(clientId ? { clientId } : {}),
      ...(fhirServer ? { fhirServer } : {}),
      ...(launchContext?.patient ? { patient: launchContext.patient } : {})
    }
  }
}

/** To the engine a request without client authentication is malformed; to RFC 6749 §5.2, one whose authentication failed. */
function requireClient(ctx: KoaContextWithOIDC, error: unknown): void {
  if (!(error instanceof errors.InvalidRequest) || error.error_description !== 'no client authentication mechanism provided')
    return
  answerUnauthenticated(ctx, 'client authentication failed')
}

/** The Grant that a request is about, as far as it came. */
function grantOf(ctx: KoaContextWithOIDC): GrantContext & { accountId?: string | undefined } {
  const { access, grantRead } = notesOf(ctx)
  return access?.grant ?? ctx.oidc.entities.Grant ?? grantRead ?? {}
}

/** Only a route of the engine has put its context there. */
function isEngines(ctx: Context): ctx is KoaContextWithOIDC {
  return 'oidc' in ctx
}

/** The members of the engine's JSON answer. */
function bodyOf({ body }: Context): { scope?: unknown } {
  if (typeof body !== 'object' || body === null) throw new Error('the engine answers with something else than JSON')
  return body
}

/** The engine's words for a second use, which ends the Grant. */
const REUSE: Record<string, 'code' | 'refresh-token'> = {
  'authorization code already consumed': 'code',
  'refresh token already used': 'refresh-token'
}

function detailOf(error: unknown): string {
  const detail: unknown = error instanceof Error ? Reflect.get(error, 'error_detail') : undefined
  return typeof detail === 'string' ? detail : ''
}

/** The protocol's error code and, where there is one, the engine's reason: fixed texts, which hold nothing that was sent. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const detail = detailOf(error)
  return (detail ? `${error.message}: ${detail}` : error.message).slice(0, 200)
}
