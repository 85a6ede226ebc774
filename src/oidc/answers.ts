/**
 * What happens between the engine's answer and its leaving: the decision goes into
 * the audit trail, awaited, so that no code leaves unaudited.
 */
import type { Context } from 'koa'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { AuditEvent } from '../audit/event.ts'
import type { AuditTrail } from '../audit/trail.ts'
import { OWN_CLIENT_ID } from '../clients/clients.ts'
import type { Logger } from '../observability/logger.ts'
import { GRANT_TYPES_SUPPORTED, SCOPES_SUPPORTED } from '../smart/discovery.ts'
import type { DroppedScope } from '../smart/scope-decision.ts'
import { splitScope } from '../smart/scope-policy.ts'
import { sourceOf } from '../web/request.ts'
import type { GrantContext } from './patches.ts'
import { watchChallenges } from './repeated-challenges.ts'
import { notesOf } from './request-notes.ts'
import { stopBeforeUncheckedApp } from './unchecked-app.ts'

interface Deps {
  provider: Provider
  audit: AuditTrail
  logger: Logger
}

/** Of one scope, in characters; and how many scopes. */
const LONGEST_SCOPE = 300
const MOST_SCOPES = 200

type Answer = (ctx: KoaContextWithOIDC) => Promise<void>

export function completeAnswers({ provider, audit, logger }: Deps): void {
  const challenges = watchChallenges({ logger })
  provider.on('authorization.error', (ctx, error) => {
    notesOf(ctx).refusal = error
  })
  provider.on('server_error', (ctx, error) => {
    notesOf(ctx).fault = error
  })

  const answers: Record<string, Answer> = { authorization, resume: authorization, discovery }
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
      await record(ctx, {
        type: 'authorization',
        outcome: 'refused',
        reason: reasonOf(error),
        ...account,
        ...parties,
        ...why(ctx)
      })
      stopBeforeUncheckedApp(ctx)
    } else if (entities.AuthorizationCode) {
      const { accountId, scope, grantId, codeChallenge } = entities.AuthorizationCode
      if (client && codeChallenge) challenges.note(client.clientId, codeChallenge)
      await record(ctx, {
        type: 'authorization',
        outcome: 'granted',
        scopes: splitScope(scope),
        ...why(ctx),
        ...parties,
        ...(accountId ? { accountId } : {}),
        ...(grantId ? { grantId } : {})
      })
    }
  }

  async function discovery(ctx: KoaContextWithOIDC): Promise<void> {
    Object.assign(bodyOf(ctx), {
      scopes_supported: SCOPES_SUPPORTED,
      grant_types_supported: GRANT_TYPES_SUPPORTED,
      response_modes_supported: ['query']
    })
  }

  function record(ctx: KoaContextWithOIDC, event: AuditEvent): Promise<void> {
    return audit.record(sourceOf(ctx), event)
  }

  /** Who asks for hundreds of scopes is answered; the trail keeps what a person would read. */
  function why(ctx: KoaContextWithOIDC): { asked?: string[]; dropped?: DroppedScope[] } {
    const { decision } = notesOf(ctx)
    if (!decision || decision.dropped.length === 0) return {}
    const short = (scope: string): string => scope.slice(0, LONGEST_SCOPE)
    return {
      asked: decision.asked.slice(0, MOST_SCOPES).map(short),
      dropped: decision.dropped.slice(0, MOST_SCOPES).map((one) => ({ ...one, scope: short(one.scope) }))
    }
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

/** The Grant that a request is about, as far as it came. */
function grantOf(ctx: KoaContextWithOIDC): GrantContext & { accountId?: string | undefined } {
  return ctx.oidc.entities.Grant ?? {}
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

/** The protocol's error code and, where there is one, the engine's reason: fixed texts, which hold nothing that was sent. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const detail: unknown = Reflect.get(error, 'error_detail')
  return (typeof detail === 'string' && detail ? `${error.message}: ${detail}` : error.message).slice(0, 200)
}
