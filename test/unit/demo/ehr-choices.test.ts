import { expect, test } from 'vitest'
import { clinicRecords } from '../../../demo/data/records.ts'
import { readChart } from '../../../demo/ehr/chart.ts'
import { readChoice } from '../../../demo/ehr/choices.ts'

const app = { clientId: 'heart-app', name: 'Heart App', launchUrl: 'http://a/launch', origin: 'http://a' }
const doctorsApp = { ...app, clientId: 'heart-app-doctors' }
const house = { chart: readChart(clinicRecords()), apps: [app, doctorsApp], fhirServerId: 'clinic', origin: 'http://ehr' }
const read = (form: Record<string, string>) => readChoice(new URLSearchParams(form), house)
const inChart = { practitioner: 'lee', patient: 'leo', app: 'heart-app-doctors' }

test('a button of the list opens the usual app for a patient and a visit', () => {
  expect(read({ practitioner: 'lee', open: 'leo leo-visit-1' })).toMatchObject({
    app: { clientId: 'heart-app' },
    statesUser: false,
    inFrame: false,
    request: {
      client_id: 'heart-app',
      fhirServer: 'clinic',
      patient: 'leo',
      encounter: 'leo-visit-1',
      user: 'Practitioner/lee',
      need_patient_banner: true,
      smart_style_url: 'http://ehr/smart-style/day-1.json',
      tenant: 'main-building'
    }
  })
})

test('everything that was chosen in the chart is told, each record with its role', () => {
  const chosen = read({
    ...inChart,
    visit: 'leo-visit-6',
    record: 'DiagnosticReport/leo-report-1',
    compare: 'DocumentReference/leo-note-1',
    intent: 'plan-visit',
    banner: 'ehr',
    style: 'night',
    tenant: 'children',
    stated: 'yes',
    where: 'frame'
  })
  expect(chosen).toMatchObject({ app: doctorsApp, statesUser: true, inFrame: true })
  expect(chosen?.request).toEqual({
    client_id: 'heart-app-doctors',
    fhirServer: 'clinic',
    patient: 'leo',
    encounter: 'leo-visit-6',
    fhirContext: [
      { reference: 'DiagnosticReport/leo-report-1' },
      { reference: 'DocumentReference/leo-note-1', role: 'https://sampleclinic.example/roles/for-comparison' }
    ],
    user: 'Practitioner/lee',
    intent: 'plan-visit',
    need_patient_banner: false,
    smart_style_url: 'http://ehr/smart-style/night-1.json',
    tenant: 'children'
  })
})

test('what was not chosen is not told, and neither is what the chart does not have', () => {
  const least = {
    client_id: 'heart-app-doctors',
    fhirServer: 'clinic',
    patient: 'leo',
    user: 'Practitioner/lee',
    need_patient_banner: true
  }
  const nothing = { visit: '', record: '', compare: '', intent: '', style: '', tenant: '' }
  expect(read({ ...inChart, ...nothing })?.request).toEqual(least)
  const foreign = {
    record: 'DiagnosticReport/john-report-1',
    compare: 'Patient/leo',
    intent: 'x',
    style: 'toString',
    tenant: 'x'
  }
  expect(read({ ...inChart, ...foreign })?.request).toEqual(least)
})

test.each([
  ['a visit of another patient', { visit: 'maria-visit-1' }],
  ['an unknown patient', { patient: 'nobody' }],
  ['an unknown doctor', { practitioner: 'nobody' }],
  ['an unknown app', { app: 'nothing' }]
])('%s is no choice', (_case, changes) => {
  expect(read({ ...inChart, ...changes })).toBeUndefined()
})
