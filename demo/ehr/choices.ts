/** What the practitioner chose on the EHR's pages, read against the chart: nothing that isn't there can be told to an app. */
import type { BrowserApp } from '../parties.ts'
import type { Chart, ChartPatient } from './chart.ts'
import type { ContextRecord, LaunchRequest } from './launch.ts'
import { ehrStyles, type StyleName, stylePath } from './style.ts'

/** What an app can be opened for. Apps and clinic agree on such words. */
export const intents = [
  ['review-results', 'Look through the results'],
  ['reconcile-medications', 'Go through the medicines'],
  ['plan-visit', 'Plan the next visit']
] as const

export const tenants = [
  ['main-building', 'Main building'],
  ['children', 'Children’s ward']
] as const

/** For a record that the app should show beside what it was opened with. The clinic's own word, so it is a URI. */
const comparison = 'https://sampleclinic.example/roles/for-comparison'

export interface Choice {
  app: BrowserApp
  patient: ChartPatient
  request: LaunchRequest
  /** Whether the EHR states who its user is. */
  statesUser: boolean
  inFrame: boolean
}

interface House {
  chart: Chart
  apps: BrowserApp[]
  fhirServerId: string
  /** Where the EHR's style sheets for apps are. */
  origin: string
}

export function readChoice(form: URLSearchParams, { chart, apps, fhirServerId, origin }: House): Choice | undefined {
  // The list of patients names patient and visit in one button; the chart has a field for each.
  const [ofButton = '', visitOfButton = ''] = (form.get('open') ?? '').split(' ')
  const patientId = form.get('patient') ?? ofButton
  const visitId = form.get('visit') ?? visitOfButton
  const practitioner = chart.practitioners.find(({ id }) => id === form.get('practitioner'))
  const patient = chart.patients.find(({ id }) => id === patientId)
  const visit = patient?.visits.find(({ id }) => id === visitId)
  const app = form.has('app') ? apps.find(({ clientId }) => clientId === form.get('app')) : apps[0]
  if (!app || !practitioner || !patient || (visitId !== '' && !visit)) return undefined

  const context = contextOf(form, patient)
  const intent = intents.find(([word]) => word === form.get('intent'))?.[0]
  const tenant = form.has('tenant') ? tenants.find(([word]) => word === form.get('tenant'))?.[0] : tenants[0][0]
  const style = form.has('style') ? styleNamed(form.get('style')) : 'day'
  return {
    app,
    patient,
    request: {
      client_id: app.clientId,
      fhirServer: fhirServerId,
      patient: patient.id,
      ...(visit && { encounter: visit.id }),
      ...(context.length > 0 && { fhirContext: context }),
      user: `Practitioner/${practitioner.id}`,
      ...(intent && { intent }),
      need_patient_banner: form.get('banner') !== 'ehr',
      ...(style && { smart_style_url: `${origin}${stylePath(style)}` }),
      ...(tenant && { tenant })
    },
    statesUser: form.get('stated') === 'yes',
    inFrame: form.get('where') === 'frame'
  }
}

function contextOf(form: URLSearchParams, { records }: ChartPatient): ContextRecord[] {
  const chosen = (field: string) => records.find(({ reference }) => reference === form.get(field))
  const [record, compared] = [chosen('record'), chosen('compare')]
  return [
    ...(record ? [{ reference: record.reference }] : []),
    ...(compared ? [{ reference: compared.reference, role: comparison }] : [])
  ]
}

function styleNamed(name: string | null): StyleName | undefined {
  return name !== null && Object.hasOwn(ehrStyles, name) ? (name === 'night' ? 'night' : 'day') : undefined
}
