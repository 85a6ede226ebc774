/** The clinic's EHR, as little of it as it takes to open an app from a patient's chart. Nobody signs in here: a demo. */
import { clinicRecords } from '../data/records.ts'
import { newKey } from '../oauth/key.ts'
import type { BrowserApp, Parties } from '../parties.ts'
import { styleRoutes } from '../web/page.ts'
import { type Answer, type DemoServer, json, redirect, serve } from '../web/serve.ts'
import { readChart } from './chart.ts'
import { readChoice } from './choices.ts'
import { createLaunches } from './launch.ts'
import { chartPage, framePage, patientsPage, problemPage } from './pages.ts'
import { ehrStyles, stylePath } from './style.ts'

interface EhrOptions {
  host: string
  port: number
  issuer: string
  /** Keyward fetches the keys at this path of the EHR. */
  registered: Parties['ehr']
  fhirServer: { id: string; baseUrl: string }
  /** The apps that it can open; the first is the usual one. */
  apps: [BrowserApp, ...BrowserApp[]]
}

export function startEhr({ host, port, issuer, registered, fhirServer, apps }: EhrOptions): Promise<DemoServer> {
  const chart = readChart(clinicRecords())
  const key = newKey()
  const launches = createLaunches({ issuer, clientId: registered.clientId, key })
  const house = { chart, apps, fhirServerId: fhirServer.id, origin: registered.origin }
  const origins = [...new Set(apps.map(({ launchUrl }) => new URL(launchUrl).origin))]

  async function openApp(form: URLSearchParams): Promise<Answer> {
    const choice = readChoice(form, house)
    if (!choice) return problemPage(400, apps[0].name, 'Choose a doctor, and a patient or a visit.')
    const { app, patient, request, statesUser, inFrame } = choice
    const outcome = await launches.create(request, { statesUser })
    if (!outcome.ok) return problemPage(502, app.name, outcome.reason)
    const target = new URL(app.launchUrl)
    target.search = new URLSearchParams({ iss: fhirServer.baseUrl, launch: outcome.launch }).toString()
    return inFrame ? framePage(patient, app, target.href) : redirect(target.href)
  }

  return serve({
    host,
    port,
    formTargets: origins,
    // What is in the frame goes from the app to Keyward and back.
    frames: [...origins, new URL(issuer).origin],
    routes: {
      ...styleRoutes,
      [`GET ${registered.jwksPath}`]: () => json({ keys: [key.publicJwk] }),
      [`GET ${stylePath('day')}`]: () => json(ehrStyles.day),
      [`GET ${stylePath('night')}`]: () => json(ehrStyles.night),
      'POST /open': async ({ form }) => openApp(await form()),
      'GET /chart': ({ url }) => {
        const patient = chart.patients.find(({ id }) => id === url.searchParams.get('patient'))
        return patient ? chartPage(chart, patient, apps) : problemPage(404, apps[0].name, 'There is no such patient here.')
      },
      'GET /': () => patientsPage(chart, apps[0])
    }
  })
}
