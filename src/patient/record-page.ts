/** The page at which a person picks the visit, or another record of the patient in context, that an app asks about. */
import type { Context } from 'koa'
import type { AuditTrail } from '../audit/trail.ts'
import { foundRecords, searchForRecords } from '../fhir/found-record.ts'
import type { InteractionSteps } from '../interaction/step.ts'
import type { AskedRecord } from '../smart/asked-context.ts'
import { hasOtherFields, readForm } from '../web/form.ts'
import { PageError } from '../web/page-error.ts'
import { languageOf, render } from '../web/render.ts'
import { sourceOf } from '../web/request.ts'
import type { Asker, SearchAnswer, Searches } from './searches.ts'
import { type OpenedStep, pageNumber, type StepPage, statusFor, turnsOf } from './step-page.ts'
import { writtenDate } from './written-date.ts'

interface Deps {
  steps: InteractionSteps
  searches: Searches
  audit: AuditTrail
}

interface Open {
  asked: AskedRecord
  /** Whose record it has to be. */
  patient: string
  asker: Asker
}

export function recordPage({ steps, searches, audit }: Deps): StepPage {
  function open(ctx: Context, { about }: OpenedStep): Open {
    const [asked] = about.records.toPick
    if (!asked || about.patient.state !== 'settled') throw new PageError(400, 'step-not-open')
    const { id: patient } = about.patient
    const asker = { uid: String(ctx.params.uid), about, source: sourceOf(ctx), resourceType: asked.resourceType, patient }
    return { asked, patient, asker }
  }

  /** What each of these pages says. */
  function factsOf(ctx: Context, { step, about: { patient, records } }: OpenedStep): object {
    const person = patient.state === 'settled' ? patient.person : undefined
    return {
      app: step.app,
      resourceType: records.toPick[0]?.resourceType,
      person: person?.name || null,
      birthDate: writtenDate(person?.birthDate, languageOf(ctx)) ?? null,
      canChange: Boolean(step.results.patient)
    }
  }

  async function firstPage(ctx: Context, opened: OpenedStep): Promise<void> {
    const { asked, patient, asker } = open(ctx, opened)
    showAnswer(ctx, opened, await searches.begin(asker, searchForRecords(asked.resourceType, patient)), null)
  }

  function showAnswer(
    ctx: Context,
    opened: OpenedStep,
    answer: SearchAnswer,
    refused: 'nothing-picked' | 'not-shown' | null
  ): void {
    const about = factsOf(ctx, opened)
    if (!answer.ok) {
      none(ctx, about, answer.reason === 'gone' ? 'not-answered' : answer.reason)
      return
    }
    const { at, resources, next } = answer.page
    const lang = languageOf(ctx)
    const records = foundRecords(resources).map(({ id, what, date, place }) => ({
      id,
      what: what ?? null,
      date: writtenDate(date, lang) ?? null,
      place: place ?? null
    }))
    const pages = turnsOf(answer.page)
    if (records.length === 0 && at === 0 && next === 'none') none(ctx, about, 'no-record')
    else render(ctx, 'record-pick', { ...about, records, pages, refused }, statusFor(ctx, refused))
  }

  function none(ctx: Context, about: object, reason: 'no-record' | 'not-answered' | 'too-many-attempts'): void {
    render(ctx, 'record-none', { ...about, reason }, statusFor(ctx, reason === 'no-record' ? null : reason))
  }

  async function pick(ctx: Context, opened: OpenedStep, shown: { id: string; search: string; at: number }): Promise<void> {
    const { asked, patient, asker } = open(ctx, opened)
    const { account, client, fhirServer } = opened.about
    // Read once more, at this moment: what a form says is nothing that the FHIR server has shown.
    const read = await searches.read(asker, shown.id)
    // What no page would show, since it was a mistake or never came about, is not there to be picked.
    const answer = read.ok && foundRecords([read.resource]).length === 0 ? ({ ok: false, reason: 'not-found' } as const) : read
    await audit.record(asker.source, {
      type: 'record-choice',
      accountId: account.sub,
      clientId: client.client_id,
      fhirServer: fhirServer.id,
      patient,
      record: `${asked.resourceType}/${shown.id.slice(0, 64)}`,
      ...(answer.ok ? { outcome: 'accepted' } : { outcome: 'refused', reason: answer.reason })
    })
    if (!answer.ok) {
      if (answer.reason !== 'not-found') return none(ctx, factsOf(ctx, opened), answer.reason)
      return showAnswer(ctx, opened, await searches.turn(asker, shown.search, shown.at), 'not-shown')
    }
    await steps.complete(ctx, { records: [...opened.about.records.picked, { ...asked, id: shown.id }] })
  }

  return {
    show: firstPage,
    async submit(ctx, opened) {
      const names = ['search', 'at', 'page', 'record', 'decision'] as const
      if (await hasOtherFields(ctx, names)) return steps.refuseForm(ctx)
      const form = await readForm(ctx, names)
      // Who was picked before can be taken back; the only one there is can't.
      if (form.decision === 'other' && opened.step.results.patient) return steps.complete(ctx, { patient: null, records: [] })
      if (form.decision === 'deny') return steps.refuse(ctx, 'the person picked no record for the app to be opened about')
      if (form.search === '') return firstPage(ctx, opened)
      const at = pageNumber(form.page || form.at)
      if (form.page === '' && form.record !== '') return pick(ctx, opened, { id: form.record, search: form.search, at })
      const answer = await searches.turn(open(ctx, opened).asker, form.search, at)
      // Kept for half an hour: whoever was away for longer starts from the first page.
      if (!answer.ok && answer.reason === 'gone') return firstPage(ctx, opened)
      showAnswer(ctx, opened, answer, form.page === '' ? 'nothing-picked' : null)
    }
  }
}
