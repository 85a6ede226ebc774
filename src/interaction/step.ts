/**
 * The interaction in progress: the only file through which the steps talk to the
 * engine about it. A step opens it, and completes or refuses it; what a step
 * decides, and how its page looks, is the step's own.
 */
import type { Context } from 'koa'
import type Provider from 'oidc-provider'
import { errors } from 'oidc-provider'
import { z } from 'zod'
import type { AuditTrail } from '../audit/trail.ts'
import { type Clients, hostOf, OWN_CLIENT_ID } from '../clients/clients.ts'
import type { ClientConfig } from '../config/config.ts'
import { PageError } from '../web/page-error.ts'
import { preferLanguages } from '../web/render.ts'
import { sourceOf } from '../web/request.ts'
import { allowFormAction } from '../web/security-headers.ts'
import type { SessionEnds } from './session-ends.ts'

type StepName = 'login' | 'mfa' | 'patient' | 'consent'

const stepResult = z.object({
  login: z.object({ accountId: z.string(), amr: z.array(z.string()), ts: z.number(), remember: z.boolean() }).exactOptional(),
  /** Null: picked, and taken back. */
  patient: z
    .object({ id: z.string(), name: z.string().exactOptional(), birthDate: z.string().exactOptional() })
    .nullable()
    .exactOptional(),
  records: z.array(z.object({ resourceType: z.string(), id: z.string(), role: z.string().exactOptional() })).exactOptional(),
  consent: z.object({ consentId: z.string() }).exactOptional()
})

/** What each step leaves for the ones after it; the engine keeps it with the interaction. */
type StepResult = z.infer<typeof stepResult>

/** What the engine kept of the steps' results; nothing where there is none yet. */
export function resultsOf(kept: unknown): StepResult {
  return stepResult.parse(kept ?? {})
}

/** What a page says of the app, on every step. */
export interface AppFacts {
  name: string
  verified: boolean
  host: string
}

export interface OpenStep {
  params: Record<string, unknown>
  client: ClientConfig
  /** Null at Keyward's own sign-in. */
  app: AppFacts | null
  /** What the steps before left. */
  results: StepResult
  /** Whose session this is; it may rest on one factor only. */
  accountId?: string
}

export interface InteractionSteps {
  /** Throws a PageError where this browser has no such step open. */
  open(ctx: Context, step: StepName): Promise<OpenStep>
  openSignedIn(ctx: Context, step: StepName): Promise<OpenStep & { accountId: string }>
  /** Answers with the redirect that leads to the next step, or to the app. */
  complete(ctx: Context, result: StepResult): Promise<void>
  /** Answers with the redirect that tells the app that access was denied. RFC 6749 §4.1.2.1 */
  refuse(ctx: Context, description: string): Promise<void>
  /** Throws a PageError for a form that none of our pages makes. */
  refuseForm(ctx: Context): Promise<never>
}

interface Deps {
  provider: Provider
  clients: Clients
  sessionEnds: Pick<SessionEnds, 'end'>
  audit: AuditTrail
}

export function createInteractionSteps({ provider, clients, sessionEnds, audit }: Deps): InteractionSteps {
  async function open(ctx: Context, step: StepName): Promise<OpenStep> {
    const details = await interactionOf(ctx)
    preferLanguages(ctx, details.params.ui_locales)
    if (details.uid !== ctx.params.uid || details.prompt.name !== step) return turnAway(ctx, 'step-not-open')
    const client = await clients.find(String(details.params.client_id))
    if (!client) return turnAway(ctx, 'step-not-open')
    const redirectUri = String(details.params.redirect_uri)
    allowFormAction(ctx, redirectUri)
    const accountId = details.session?.accountId
    return {
      params: details.params,
      client,
      app: client.client_id === OWN_CLIENT_ID ? null : appFacts(client, redirectUri),
      results: resultsOf(details.lastSubmission),
      ...(accountId ? { accountId } : {})
    }
  }

  function interactionOf(ctx: Context): ReturnType<Provider['interactionDetails']> {
    return whileOpen(ctx, () => provider.interactionDetails(ctx.req, ctx.res))
  }

  async function whileOpen<T>(ctx: Context, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      // Without the cookie it is another browser's; with it, it is over, or its session has become somebody else's.
      if (error instanceof errors.SessionNotFound)
        return turnAway(ctx, error.error_description?.includes('cookie') ? 'other-browser' : 'step-not-open')
      throw error
    }
  }

  async function turnAway(ctx: Context, reason: 'other-browser' | 'step-not-open' | 'form'): Promise<never> {
    await audit.record(sourceOf(ctx), { type: 'request', outcome: 'refused', reason })
    throw new PageError(400, reason)
  }

  async function answer(ctx: Context, result: object): Promise<void> {
    const next = await whileOpen(ctx, () => provider.interactionResult(ctx.req, ctx.res, { ...result }))
    // 303, so that no browser sends the form, and a password in it, once more. RFC 9700 §4.12
    ctx.status = 303
    ctx.redirect(next)
  }

  /** Whoever signs in takes the browser over. The engine's own way to end the session before it is a page with a script. */
  async function endSessionOfAnother(ctx: Context, accountId: string): Promise<void> {
    const session = await provider.Session.get(provider.createContext(ctx.req, ctx.res))
    if (!session.accountId || session.accountId === accountId) return
    const details = await interactionOf(ctx)
    // What the other person decided in this interaction is not the new one's.
    delete details.session
    delete details.lastSubmission
    await details.persist()
    await audit.record(sourceOf(ctx), { type: 'sign-out', outcome: 'ended', accountId: session.accountId })
    await sessionEnds.end(session)
  }

  return {
    open,
    async openSignedIn(ctx, step) {
      const opened = await open(ctx, step)
      const { accountId } = opened
      return accountId ? { ...opened, accountId } : turnAway(ctx, 'step-not-open')
    },
    async complete(ctx, result) {
      if (result.login) await endSessionOfAnother(ctx, result.login.accountId)
      await answer(ctx, result)
    },
    refuse: (ctx, description) => answer(ctx, { error: 'access_denied', error_description: description }),
    refuseForm: (ctx) => turnAway(ctx, 'form')
  }
}

function appFacts(client: ClientConfig, redirectUri: string): AppFacts {
  return { name: client.client_name, verified: client.verified, host: hostOf(redirectUri) }
}
