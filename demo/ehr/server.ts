/** The clinic's EHR, as little of it as it takes to open an app from a patient's chart. Nobody signs in here: a demo. */
import { clinicRecords } from '../data/records.ts'
import { html, page, styleRoutes } from '../web/page.ts'
import { type Answer, type DemoServer, json, redirect, serve } from '../web/serve.ts'
import { type ChartPatient, readChart } from './chart.ts'
import { newKey } from './key.ts'
import { createLaunches } from './launch.ts'
import { ehrStyle } from './style.ts'

interface EhrOptions {
  host: string
  port: number
  issuer: string
  /** Keyward fetches the keys at this path of the EHR. */
  registered: { clientId: string; jwksPath: string; origin: string }
  fhirServer: { id: string; baseUrl: string }
  app: { clientId: string; launchUrl: string }
}

const site = 'Clinic EHR'
const look = 'ehr'
/** The latest ones: more would bury the patients. */
const shownVisits = 3

export function startEhr({ host, port, issuer, registered, fhirServer, app }: EhrOptions): Promise<DemoServer> {
  const chart = readChart(clinicRecords())
  const key = newKey()
  const launches = createLaunches({ issuer, clientId: registered.clientId, key })

  async function openApp(form: URLSearchParams): Promise<Answer> {
    const [patientId, visitId] = (form.get('open') ?? '').split(' ')
    const practitioner = chart.practitioners.find(({ id }) => id === form.get('practitioner'))
    const patient = chart.patients.find(({ id }) => id === patientId)
    const visit = patient?.visits.find(({ id }) => id === visitId)
    if (!practitioner || !patient || (visitId && !visit)) return problem(400, 'Choose a doctor, and a patient or a visit.')

    const outcome = await launches.create({
      client_id: app.clientId,
      fhirServer: fhirServer.id,
      patient: patient.id,
      ...(visit && { encounter: visit.id }),
      user: `Practitioner/${practitioner.id}`,
      need_patient_banner: true,
      smart_style_url: `${registered.origin}/smart-style.json`,
      tenant: 'sample-clinic'
    })
    if (!outcome.ok) return problem(502, outcome.reason)
    const target = new URL(app.launchUrl)
    target.search = new URLSearchParams({ iss: fhirServer.baseUrl, launch: outcome.launch }).toString()
    return redirect(target.href)
  }

  return serve({
    host,
    port,
    formTargets: [new URL(app.launchUrl).origin],
    routes: {
      ...styleRoutes,
      [`GET ${registered.jwksPath}`]: () => json({ keys: [key.publicJwk] }),
      'GET /smart-style.json': () => json(ehrStyle),
      'POST /open': async ({ form }) => openApp(await form()),
      'GET /': () =>
        page({
          title: 'Patients',
          site,
          look,
          body: html`
<h1>Patients</h1>
<p>Open Heart App from a chart. The app opens in a new tab, with the patient and the visit already chosen.</p>
<form method="post" action="/open" target="_blank" rel="noopener">
<p><label for="practitioner">You work as</label>
<select id="practitioner" name="practitioner">
${chart.practitioners.map(({ id, name }) => html`<option value="${id}">${name}</option>`)}
</select></p>
${chart.patients.map(patientCard)}
</form>`
        })
    }
  })
}

function patientCard({ id, name, birthDate, visits }: ChartPatient) {
  return html`
<section class="card" aria-labelledby="patient-${id}">
<h2 id="patient-${id}">${name}</h2>
<p class="soft">Born ${longDate(birthDate)}</p>
<ul class="rows">
${visits.slice(0, shownVisits).map(
  (visit) => html`<li><span>Visit of ${longDate(visit.date)}<span class="soft">${visit.kind}</span></span>
${openButton(`${id} ${visit.id}`, `for ${name}, visit of ${longDate(visit.date)}`)}</li>\n`
)}<li><span>Without a visit</span>
${openButton(id, `for ${name}, without a visit`)}</li>
</ul>
</section>`
}

/** The sentence makes the name of the button whole for who can't see where it stands. */
function openButton(value: string, sentence: string) {
  return html`<button class="quiet" name="open" value="${value}">Open Heart App<span class="unseen"> ${sentence}</span></button>`
}

function longDate(date: string): string {
  return new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(date))
}

function problem(status: number, reason: string): Answer {
  return page({
    title: 'Heart App was not opened',
    site,
    look,
    status,
    body: html`<h1>Heart App was not opened</h1><p class="notice">${reason}</p><p><a href="/">Back to the patients</a></p>`
  })
}
