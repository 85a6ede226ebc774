import Router from '@koa/router'
import type { Context } from 'koa'
import QRCode from 'qrcode'
import type { Account, Accounts } from '../accounts/accounts.ts'
import type { SecondFactor, SecondFactorOutcome } from '../accounts/second-factor.ts'
import type { AuditTrail } from '../audit/trail.ts'
import type { AppFacts, InteractionSteps } from '../interaction/step.ts'
import { reached } from '../observability/steps.ts'
import { readForm } from '../web/form.ts'
import { PageError } from '../web/page-error.ts'
import { render } from '../web/render.ts'
import { limitKeyOf, sourceOf } from '../web/request.ts'

interface Deps {
  steps: InteractionSteps
  accounts: Accounts
  secondFactor: SecondFactor
  audit: AuditTrail
  now: () => number
}

/** The page at which an account that has given its password gives its one-time code, or enrols to make such codes. */
export function mfaRoutes({ steps, accounts, secondFactor, audit, now }: Deps): Router {
  const router = new Router({ prefix: '/interaction/:uid/mfa' })
  router.get('/', async (ctx) => {
    const { app, accountId } = await steps.openSignedIn(ctx, 'mfa')
    await page(ctx, app, await usable(accountId))
  })
  router.post('/', async (ctx) => {
    const { app, accountId } = await steps.openSignedIn(ctx, 'mfa')
    const account = await usable(accountId)
    const { code } = await readForm(ctx, ['code'])
    const enrolled = secondFactor.isEnrolled(account)
    const from = limitKeyOf(sourceOf(ctx).address)
    const type = enrolled ? 'second-factor' : 'second-factor-enrolment'
    const accepted = () => audit.record(sourceOf(ctx), { type, outcome: 'accepted', accountId })
    const outcome = enrolled
      ? await secondFactor.verify(accountId, code, from)
      : await secondFactor.confirmEnrolment(accountId, code, from, accepted)
    if (!outcome.ok) {
      await audit.record(sourceOf(ctx), { type, outcome: 'refused', reason: outcome.reason, accountId })
      return page(ctx, app, account, outcome)
    }
    if (enrolled) await accepted()
    reached('second-factor:audited')
    await steps.complete(ctx, {
      login: { accountId, amr: ['pwd', 'otp', 'mfa'], ts: Math.floor(now() / 1000), remember: false }
    })
    reached('second-factor:completed')
  })

  async function usable(accountId: string): Promise<Account> {
    const account = await accounts.find(accountId)
    if (!account || account.disabled) throw new PageError(400, 'step-not-open')
    return account
  }

  async function page(
    ctx: Context,
    app: AppFacts | null,
    account: Account,
    refusal?: SecondFactorOutcome & { ok: false }
  ): Promise<void> {
    const refused = refusal?.reason ?? null
    const retryAfter = refusal?.retryAfter ?? null
    const status = refused === null ? 200 : refused === 'too-many-attempts' ? 429 : 422
    if (retryAfter !== null) ctx.set('Retry-After', String(retryAfter))
    if (secondFactor.isEnrolled(account)) return render(ctx, 'mfa', { app, refused, retryAfter }, status)
    const { secret, uri } = await secondFactor.beginEnrolment(account)
    const qr = await QRCode.toString(uri, { type: 'svg', margin: 2 })
    render(ctx, 'mfa-enrol', { app, qr, secret: secret.replace(/(.{4})(?=.)/g, '$1 '), refused, retryAfter }, status)
  }
  return router
}
