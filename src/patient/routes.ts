import Router from '@koa/router'
import type { Context } from 'koa'
import { ageInYears, type RelatedPatient } from '../accounts/relationships.ts'
import type { AuditTrail } from '../audit/trail.ts'
import type { Config } from '../config/config.ts'
import type { FhirClient } from '../fhir/fhir-client.ts'
import type { InteractionSteps, OpenStep } from '../interaction/step.ts'
import type { Authorizations } from '../smart/authorization.ts'
import type { Store } from '../store/store.ts'
import type { Attempts } from '../web/attempts.ts'
import { hasOtherFields, readForm } from '../web/form.ts'
import { PageError } from '../web/page-error.ts'
import { render } from '../web/render.ts'
import { sourceOf } from '../web/request.ts'
import { recordPage } from './record-page.ts'
import { patientSearchPage } from './search-page.ts'
import { createSearches } from './searches.ts'
import type { OpenedStep, StepPage } from './step-page.ts'

interface Deps {
  steps: InteractionSteps
  authorizations: Authorizations
  store: Store
  fhir: FhirClient
  audit: AuditTrail
  attempts: Attempts
  limits: Config['limits']
  now: () => number
}

/**
 * The pages at which a person says what it is about: whose record, found among their own people or by a clinician's search,
 * and which visit or other record of it; or learns that there is none to share.
 */
export function patientRoutes({ steps, authorizations, store, fhir, audit, attempts, limits, now }: Deps): Router {
  const searches = createSearches({ store, fhir, audit, attempts, limits, now })
  const bySearch = patientSearchPage({ steps, searches, audit, now })
  const ofRecords = recordPage({ steps, searches, audit })
  const router = new Router({ prefix: '/interaction/:uid/patient' })
  router.get('/', async (ctx) => {
    const opened = await open(ctx)
    return pageFor(opened).show(ctx, opened)
  })
  router.post('/', async (ctx) => {
    const opened = await open(ctx)
    return pageFor(opened).submit(ctx, opened)
  })

  async function open(ctx: Context): Promise<OpenedStep> {
    const step = await steps.openSignedIn(ctx, 'patient')
    const { params, accountId, results } = step
    const about = await authorizations.describe({ params, accountId, picked: results })
    if (!about) throw new PageError(400, 'step-not-open')
    return { step, about }
  }

  function pageFor({ about: { patient, records } }: OpenedStep): StepPage {
    if (patient.state === 'impossible') return nobody
    if (patient.state === 'to-pick') return ownPeople
    if (patient.state === 'to-search') return bySearch
    if (records.toPick.length > 0) return ofRecords
    throw new PageError(400, 'step-not-open')
  }

  const nobody: StepPage = {
    async show(ctx, { step, about: { patient } }) {
      if (patient.state === 'impossible') render(ctx, 'patient-none', { app: step.app, reason: patient.reason })
    },
    submit: (ctx) => steps.refuse(ctx, 'there is no record that this person can share here')
  }

  const ownPeople: StepPage = {
    async show(ctx, { step, about: { patient } }) {
      if (patient.state === 'to-pick') picker(ctx, step, patient.people, null)
    },
    async submit(ctx, { step, about: { client, fhirServer, patient } }) {
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
    }
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
