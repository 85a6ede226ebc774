/** The pages of the EHR: the patients, a chart with all that an app can be told, and an app in a frame. */
import type { BrowserApp } from '../parties.ts'
import { html, type Markup, page } from '../web/page.ts'
import type { Answer } from '../web/serve.ts'
import type { Chart, ChartPatient } from './chart.ts'
import { intents, tenants } from './choices.ts'

const site = 'Clinic EHR'
const look = 'ehr'
/** The latest ones: more would bury the patients. */
const shownVisits = 3

export function patientsPage({ patients, practitioners }: Chart, app: BrowserApp): Answer {
  return page({
    title: 'Patients',
    site,
    look,
    body: html`
<h1>Patients</h1>
<p>Open ${app.name} from a chart. The app opens in a new tab, with the patient and the visit already chosen.</p>
<form method="post" action="/open" target="_blank" rel="opener">
${workerField(practitioners)}
${patients.map((patient) => patientCard(patient, app))}
</form>`
  })
}

function patientCard({ id, name, birthDate, visits }: ChartPatient, app: BrowserApp): Markup {
  return html`
<section class="card" aria-labelledby="patient-${id}">
<h2 id="patient-${id}">${name}</h2>
<p class="soft">Born ${longDate(birthDate)}</p>
<ul class="rows">
${visits.slice(0, shownVisits).map(
  (visit) => html`<li><span>Visit of ${longDate(visit.date)}<span class="soft">${visit.kind}</span></span>
${openButton(app, `${id} ${visit.id}`, `for ${name}, visit of ${longDate(visit.date)}`)}</li>\n`
)}<li><span>Without a visit</span>
${openButton(app, id, `for ${name}, without a visit`)}</li>
</ul>
<p><a href="/chart?patient=${id}">Choose what the app is told<span class="unseen"> about ${name}</span></a></p>
</section>`
}

/** The sentence makes the name of the button whole for who can't see where it stands. */
function openButton(app: BrowserApp, value: string, sentence: string): Markup {
  return html`<button class="quiet" name="open" value="${value}">Open ${app.name}<span class="unseen"> ${sentence}</span></button>`
}

export function chartPage({ practitioners }: Chart, patient: ChartPatient, apps: BrowserApp[]): Answer {
  const { id, name, birthDate, visits, records } = patient
  const recordChoices = records.map(({ reference, date, title }): Choice => [reference, `${title}, ${longDate(date)}`])
  return page({
    title: name,
    site,
    look,
    body: html`
<p><a href="/">All patients</a></p>
<h1>${name}</h1>
<p class="soft">Born ${longDate(birthDate)}</p>
<form method="post" action="/open" rel="opener">
<input type="hidden" name="patient" value="${id}">
${workerField(practitioners)}
${field(
  'app',
  'App',
  apps.map(({ clientId, name: appName }) => [clientId, appName])
)}
<fieldset><legend>What is open</legend>
${field('visit', 'Visit', [['', 'None'], ...visits.map(({ id: visit, date, kind }): Choice => [visit, `${longDate(date)}: ${kind}`])])}
${field('record', 'Report or note to start with', [['', 'None'], ...recordChoices])}
${field('compare', 'Report or note to compare it with', [['', 'None'], ...recordChoices])}
${field('intent', 'What for', [['', 'Not said'], ...intents])}
</fieldset>
<fieldset><legend>How the app should look</legend>
${field('banner', 'Who shows whose record is open', [
  ['app', 'The app does'],
  ['ehr', 'This page does']
])}
${field('style', 'Colours', [
  ['day', 'As here, by day'],
  ['night', 'As here, by night'],
  ['', 'Its own']
])}
${field('tenant', 'Part of the clinic', tenants)}
</fieldset>
<label class="choice"><input type="checkbox" name="stated" value="yes">
<span>Tell Keyward who I am<span class="soft">In apps that the clinic has approved for its doctors, nobody then asks for a password again.</span></span></label>
<p><button formtarget="_blank" name="where" value="window">Open in a new window</button>
<button class="quiet" name="where" value="frame">Open in this page</button></p>
</form>`
  })
}

/** The chart stays in sight, and the app is a part of the page: as far as the app, and Keyward, let themselves be framed. */
export function framePage({ id, name, birthDate }: ChartPatient, app: BrowserApp, address: string): Answer {
  return page({
    title: `${app.name}, ${name}`,
    site,
    look,
    body: html`
<p><a href="/chart?patient=${id}">Back to the chart</a></p>
<h1>${name}</h1>
<p class="soft">Born ${longDate(birthDate)}</p>
<iframe class="app" title="${app.name}" src="${address}"></iframe>`
  })
}

export function problemPage(status: number, name: string, reason: string): Answer {
  return page({
    title: `${name} was not opened`,
    site,
    look,
    status,
    body: html`<h1>${name} was not opened</h1><p class="notice">${reason}</p><p><a href="/">Back to the patients</a></p>`
  })
}

type Choice = readonly [value: string, label: string]

function workerField(practitioners: Chart['practitioners']): Markup {
  return field(
    'practitioner',
    'You work as',
    practitioners.map(({ id, name }) => [id, name])
  )
}

function field(name: string, label: string, choices: readonly Choice[]): Markup {
  return html`<label for="${name}">${label}</label>
<select id="${name}" name="${name}">
${choices.map(([value, words]) => html`<option value="${value}">${words}</option>\n`)}</select>
`
}

function longDate(date: string): string {
  return new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(date))
}
