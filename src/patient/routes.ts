import Router from '@koa/router'
import type { Context } from 'koa'
import { ageInYears, type RelatedPatient } from '../accounts/relationships.ts'
import type { AuditTrail } from '../audit/trail.ts'
import type { InteractionSteps, OpenStep } from '../interaction/step.ts'
import type { Authorization, Authorizations } from '../smart/authorization.ts'
import { hasOtherFields, readForm } from '../web/form.ts'
import { PageError } from '../web/page-error.ts'
import { render } from '../web/render.ts'
import { sourceOf } from '../web/request.ts'

interface Deps {
  steps: InteractionSteps
  authorizations: Authorizations
  audit: AuditTrail
  now: () => number
}

/** The page at which a person says whose record it is about; or learns that there is none to share. */
export function patientRoutes({ steps, authorizations, audit, now }: Deps): Router {
  const router = new Router({ prefix: '/interaction/:uid/patient' })
  router.get('/', async (ctx) => {
    const step = await steps.openSignedIn(ctx, 'patient')
    const { patient } = await describe(step)
    if (patient.state === 'impossible') return render(ctx, 'patient-none', { app: step.app, reason: patient.reason })
    if (patient.state === 'to-pick') return picker(ctx, step, patient.people, null)
    throw new PageError(400, 'step-not-open')
  })
  router.post('/', async (ctx) => {
    const step = await steps.openSignedIn(ctx, 'patient')
    const { client, fhirServer, patient } = await describe(step)
    if (patient.state === 'impossible') return steps.refuse(ctx, 'there is no record that this person can share here')
    if (patient.state !== 'to-pick') throw new PageError(400, 'step-not-open')
    if (await hasOtherFields(ctx, ['patient'])) return steps.refuseForm(ctx)
    const { patient: id } = await readForm(ctx, ['patient'])
    if (!id) return picker(ctx, step, patient.people, 'nothing-picked')
    const permitted = patient.people.some((one) => one.id === id)
    await audit.record(sourceOf(ctx), {
      type: 'patient-choice',
      accountId: step.accountId,
      clientId: client.client_id,
      fhirServer: fhirServer.id,
      patient: id.slice(0, 64),
      ...(permitted ? { outcome: 'accepted' } : { outcome: 'refused', reason: 'not-permitted' })
    })
    if (!permitted) throw new PageError(400, 'form')
    await steps.complete(ctx, { patient: { id } })
  })

  async function describe({ params, accountId, results }: OpenStep & { accountId: string }): Promise<Authorization> {
    const about = await authorizations.describe({ params, accountId, pickedPatient: results.patient?.id })
    if (!about) throw new PageError(400, 'step-not-open')
    return about
  }

  function picker(ctx: Context, { app }: OpenStep, patients: RelatedPatient[], refused: 'nothing-picked' | null): void {
    const people = patients.map(({ id, name, relationship, birthDate }) => ({
      id,
      name,
      relationship,
      age: ageInYears(birthDate, now()) ?? null
    }))
    render(ctx, 'patient', { app, people, refused }, refused === null ? 200 : 422)
  }
  return router
}
