import Router from '@koa/router'
import type { SignIn } from '../accounts/sign-in.ts'
import type { AuditTrail } from '../audit/trail.ts'
import type { InteractionSteps } from '../interaction/step.ts'
import { reached } from '../observability/steps.ts'
import { readForm } from '../web/form.ts'
import { render } from '../web/render.ts'
import { limitKeyOf, sourceOf } from '../web/request.ts'
import type { SharedLimit } from '../web/shared-limit.ts'

interface Deps {
  steps: InteractionSteps
  signIn: SignIn
  audit: AuditTrail
  /** Of sign-ins that were begun at one address: one that succeeds counts for nothing. */
  begun: SharedLimit
  now: () => number
}

/** The page at which a person gives user name and password. */
export function loginRoutes({ steps, signIn, audit, begun, now }: Deps): Router {
  const router = new Router({ prefix: '/interaction/:uid/login' })
  router.get('/', async (ctx) => {
    const { app, params } = await steps.open(ctx, 'login')
    const username = typeof params.login_hint === 'string' ? params.login_hint.slice(0, 200) : ''
    render(ctx, 'login', { app, forDevelopers: isForDevelopers(params), username, refused: null, retryAfter: null })
  })
  router.post('/', async (ctx) => {
    const { app, params } = await steps.open(ctx, 'login')
    const { username, password } = await readForm(ctx, ['username', 'password'])
    const outcome = await signIn.verify(username, password, limitKeyOf(sourceOf(ctx).address))
    if (!outcome.ok) {
      const { accountId, reason } = outcome
      await audit.record(sourceOf(ctx), { type: 'sign-in', outcome: 'refused', reason, ...(accountId ? { accountId } : {}) })
      // Whether an account exists, or is disabled, is nobody's business: one answer for all.
      const refused = reason === 'account-disabled' ? 'wrong-credentials' : reason
      const retryAfter = outcome.retryAfter ?? null
      if (retryAfter !== null) ctx.set('Retry-After', String(retryAfter))
      return render(ctx, 'login', { app, forDevelopers: isForDevelopers(params), username, refused, retryAfter }, STATUS[refused])
    }
    const accountId = outcome.account.sub
    await begun.forgive(limitKeyOf(sourceOf(ctx).address))
    await audit.record(sourceOf(ctx), { type: 'sign-in', outcome: 'accepted', accountId })
    reached('sign-in:audited')
    await steps.complete(ctx, { login: { accountId, amr: ['pwd'], ts: Math.floor(now() / 1000), remember: false } })
    reached('sign-in:completed')
  })
  return router
}

/** Where no app waits, whether it is the developer's page that does: the account page is for everybody. */
function isForDevelopers({ redirect_uri: uri }: Record<string, unknown>): boolean {
  return String(uri).endsWith('/developer/signed-in')
}

const STATUS = { 'wrong-credentials': 422, 'too-many-attempts': 429, busy: 503 } as const
