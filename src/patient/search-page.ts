/** The page at which a clinician finds the patient whom an app is to be opened for. */
import type { Context } from 'koa'
import { ageInYears } from '../accounts/relationships.ts'
import type { AuditTrail } from '../audit/trail.ts'
import { foundPatient } from '../fhir/found-patient.ts'
import type { InteractionSteps } from '../interaction/step.ts'
import { hasOtherFields, readForm } from '../web/form.ts'
import { languageOf, render } from '../web/render.ts'
import { sourceOf } from '../web/request.ts'
import type { Asker, SearchAnswer, Searches, SearchPage, Typed } from './searches.ts'
import { type OpenedStep, pageNumber, type StepPage, statusFor, turnsOf } from './step-page.ts'
import { LONGEST_NAME, typedSearch } from './typed-search.ts'
import { writtenDate } from './written-date.ts'

interface Deps {
  steps: InteractionSteps
  searches: Searches
  audit: AuditTrail
  now: () => number
}

type Refusal =
  | 'nothing-typed'
  | 'too-short'
  | 'no-such-date'
  | 'nothing-picked'
  | 'not-shown'
  | 'not-answered'
  | 'gone'
  | 'too-many-attempts'

const NOTHING: Typed = { name: '', birthDate: '' }

export function patientSearchPage({ steps, searches, audit, now }: Deps): StepPage {
  function page(
    ctx: Context,
    { step }: OpenedStep,
    { typed = NOTHING, found, refused = null }: { typed?: Typed; found?: SearchPage; refused?: Refusal | null }
  ): void {
    const lang = languageOf(ctx)
    const people = (found?.resources ?? []).map(foundPatient).map(({ id, name, birthDate, sex, number }) => ({
      id,
      name,
      birthDate: writtenDate(birthDate, lang) ?? null,
      age: ageInYears(birthDate, now()) ?? null,
      sex: sex ?? null,
      number: number ?? null
    }))
    const pages = found ? turnsOf(found) : null
    render(ctx, 'patient-search', { app: step.app, typed, people, pages, refused }, statusFor(ctx, refused))
  }

  /** What a search answered; where nothing was, the launch stays where it is. */
  function showAnswer(ctx: Context, opened: OpenedStep, answer: SearchAnswer, refused: Refusal | null = null): void {
    if (answer.ok) page(ctx, opened, { typed: answer.page.typed, found: answer.page, refused })
    else page(ctx, opened, { typed: answer.typed, refused: answer.reason })
  }

  async function pick(
    ctx: Context,
    opened: OpenedStep,
    asker: Asker,
    { id, ...shown }: { id: string; search: string; at: number }
  ) {
    const { account, client, fhirServer } = opened.about
    // Read once more, at this moment: what a form says is nothing that the FHIR server has shown.
    const answer = await searches.read(asker, id)
    await audit.record(asker.source, {
      type: 'patient-choice',
      accountId: account.sub,
      clientId: client.client_id,
      fhirServer: fhirServer.id,
      patient: id.slice(0, 64),
      ...(answer.ok ? { outcome: 'accepted' } : { outcome: 'refused', reason: answer.reason })
    })
    if (!answer.ok) {
      if (answer.reason !== 'not-found') return page(ctx, opened, { refused: answer.reason })
      return showAnswer(ctx, opened, await searches.turn(asker, shown.search, shown.at), 'not-shown')
    }
    const { name, birthDate } = foundPatient(answer.resource)
    await steps.complete(ctx, { patient: { id, name, ...(birthDate === undefined ? {} : { birthDate }) } })
  }

  return {
    async show(ctx, opened) {
      page(ctx, opened, {})
    },
    async submit(ctx, opened) {
      const names = ['name', 'birthdate', 'search', 'at', 'page', 'patient', 'decision'] as const
      if (await hasOtherFields(ctx, names)) return steps.refuseForm(ctx)
      const form = await readForm(ctx, names)
      if (form.decision === 'deny') return steps.refuse(ctx, 'the person picked no patient')
      const asker = { uid: String(ctx.params.uid), about: opened.about, source: sourceOf(ctx), resourceType: 'Patient' }
      const at = pageNumber(form.page || form.at)
      if (form.search === '') {
        const typed = { name: form.name.trim().slice(0, LONGEST_NAME), birthDate: form.birthdate.trim() }
        const search = typedSearch(typed)
        if (!search.ok) return page(ctx, opened, { typed, refused: search.reason })
        return showAnswer(ctx, opened, await searches.begin(asker, search.parameters, typed))
      }
      if (form.page === '' && form.patient !== '') return pick(ctx, opened, asker, { id: form.patient, search: form.search, at })
      showAnswer(ctx, opened, await searches.turn(asker, form.search, at), form.page === '' ? 'nothing-picked' : null)
    }
  }
}
