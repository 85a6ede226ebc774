import Router from '@koa/router'
import type { Context } from 'koa'
import type { AuditTrail } from '../audit/trail.ts'
import type { InteractionSteps, OpenStep } from '../interaction/step.ts'
import { reached } from '../observability/steps.ts'
import { type Authorization, type Authorizations, isContextOpen } from '../smart/authorization.ts'
import type { BrandNameOf } from '../smart/brand-names.ts'
import { hasOtherFields, readFormLists } from '../web/form.ts'
import { PageError } from '../web/page-error.ts'
import { languageOf, render } from '../web/render.ts'
import { sourceOf } from '../web/request.ts'
import { grantedOf } from './choices.ts'
import type { Consents } from './consents.ts'
import { type OpenDecision, openDecision, switchesOf } from './decision.ts'
import { endOf, parseDuration } from './duration.ts'
import type { KindOfData } from './kinds.ts'
import { consentPage, startTicks, type Ticks } from './page.ts'

interface Deps {
  steps: InteractionSteps
  authorizations: Authorizations
  consents: Consents
  kinds: readonly KindOfData[]
  audit: AuditTrail
  startTicked: 'requested' | 'none'
  brandNameOf: BrandNameOf
  accountUrl: string
  now: () => number
}

interface Opened {
  step: OpenStep & { accountId: string }
  about: Authorization
  decision: OpenDecision
}

/** The page at which a person decides what an app may see. */
export function consentRoutes(deps: Deps): Router {
  const { steps, authorizations, consents, kinds, audit, startTicked, brandNameOf, accountUrl, now } = deps
  const router = new Router({ prefix: '/interaction/:uid/consent' })
  router.get('/', async (ctx) => {
    const opened = await open(ctx)
    const consent = await consents.find(opened.decision.key)
    page(ctx, opened, startTicks(opened.decision, { consent, policy: startTicked, role: opened.about.account.role }), null)
  })
  router.post('/', async (ctx) => {
    const opened = await open(ctx)
    if (await hasOtherFields(ctx, ['decision', 'select', 'duration', 'scope'])) return steps.refuseForm(ctx)
    const form = await readFormLists(ctx, ['decision', 'select', 'duration'], ['scope'])
    const offered = new Set(switchesOf(opened.decision))
    // What the page never offered was put there by something else.
    if (!form.scope.every((scope) => offered.has(scope))) return steps.refuseForm(ctx)
    const duration = parseDuration(form.duration)
    if (form.duration && !duration) return steps.refuseForm(ctx)
    if (form.select) return page(ctx, opened, { scopes: selected(form.select, opened.decision, form.scope), duration }, null)
    if (form.decision === 'deny') return deny(ctx, opened)
    if (form.decision !== 'allow') return steps.refuseForm(ctx)
    await allow(ctx, opened, { scopes: new Set(form.scope), duration })
  })

  async function open(ctx: Context): Promise<Opened> {
    const step = await steps.openSignedIn(ctx, 'consent')
    const { params, accountId, results } = step
    const about = await authorizations.describe({ params, accountId, picked: results })
    if (!about || isContextOpen(about)) throw new PageError(400, 'step-not-open')
    return { step, about, decision: openDecision(about, kinds) }
  }

  function page(ctx: Context, { step, about, decision }: Opened, ticks: Ticks, problem: 'nothing-on' | null): void {
    const lang = languageOf(ctx)
    const brand = brandNameOf(about.fhirServer.id)
    const members = consentPage({ about, brand, decision, ticks, app: step.app, kinds, accountUrl, problem, lang, now: now() })
    render(ctx, 'consent', members, problem === null ? 200 : 422)
  }

  async function allow(ctx: Context, opened: Opened, ticks: Ticks): Promise<void> {
    const { about, decision } = opened
    const granted = grantedOf(decision.choices, [...ticks.scopes])
    if (granted.length === 0 && decision.choices.length > 0 && !decision.told.includes('openid')) {
      return page(ctx, opened, ticks, 'nothing-on')
    }
    // Where box and duration disagree, the lesser wins: an app of today can't come back.
    const lasting = ticks.scopes.has('offline_access') && ticks.duration !== 'today' ? ['offline_access'] : []
    const allowed = new Set([...granted, ...lasting])
    const refused = switchesOf(decision).filter((scope) => !allowed.has(scope))
    const scopes = [...decision.told, ...allowed]
    const decided = {
      clientName: about.client.client_name,
      // A clinician decides about the app, whoever the patient of this launch is.
      patientName:
        decision.key.patient !== undefined && about.patient.state === 'settled' ? about.patient.person?.name : undefined,
      granted: scopes,
      refused,
      until: untilOf(opened, ticks)
    }
    // Recorded first: nothing is allowed that the trail does not know of.
    const { consentId } = await consents.decide(decision.key, decided, async (id) => {
      const event = { scopes, notGranted: refused, consentId: id, ...partiesOf(about) }
      await audit.record(sourceOf(ctx), { type: 'consent', outcome: 'granted', ...event })
      reached('consent:audited')
    })
    reached('consent:decided')
    await steps.complete(ctx, { consent: { consentId } })
    reached('consent:completed')
  }

  /** The question is asked of a patient whose app may come back; a decision on other scopes leaves its answer alone. */
  function untilOf({ about, decision }: Opened, { duration }: Ticks): number | 'as-before' | undefined {
    if (!decision.asksOffline || about.account.role !== 'patient') return 'as-before'
    return duration === undefined ? undefined : endOf(duration, now())
  }

  async function deny(ctx: Context, { about }: Opened): Promise<void> {
    await audit.record(sourceOf(ctx), {
      type: 'consent',
      outcome: 'refused',
      reason: 'denied-by-person',
      ...partiesOf(about),
      scopes: [],
      notGranted: about.scopes
    })
    reached('refusal:audited')
    await steps.refuse(ctx, 'the person decided not to share')
    reached('refusal:completed')
  }
  return router
}

/** What is on after `all`, `none` or the switch of a group, which turns the group off only where all of it is on. Anything else: as ticked. */
function selected(select: string, decision: OpenDecision, ticked: readonly string[]): ReadonlySet<string> {
  if (select === 'all') return new Set(switchesOf(decision))
  if (select === 'none') return new Set()
  const on = new Set(ticked)
  const group = decision.choices.filter((choice) => choice.group === select).map(({ scope }) => scope)
  const allOn = group.every((scope) => on.has(scope))
  for (const scope of group) {
    if (allOn) on.delete(scope)
    else on.add(scope)
  }
  return on
}

function partiesOf({ account, client, fhirServer, patient }: Authorization): {
  accountId: string
  clientId: string
  fhirServer: string
  patient?: string
} {
  const settled = patient.state === 'settled' ? { patient: patient.id } : {}
  return { accountId: account.sub, clientId: client.client_id, fhirServer: fhirServer.id, ...settled }
}
