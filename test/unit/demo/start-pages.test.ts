import { request } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { startApp } from '../../../demo/app/server.ts'
import { clinicRecords } from '../../../demo/data/records.ts'
import { readChart } from '../../../demo/ehr/chart.ts'
import { startEhr } from '../../../demo/ehr/server.ts'
import { startHome } from '../../../demo/home/server.ts'
import { html } from '../../../demo/web/page.ts'
import { freePort } from '../../harness/free-port.ts'

const host = '127.0.0.1'
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()))
})

const addresses = {
  keyward: 'http://localhost:9',
  fhir: 'http://localhost:9/fhir',
  smartConfiguration: 'http://localhost:9/fhir/clinic/.well-known/smart-configuration',
  app: 'http://localhost:9',
  ehr: 'http://localhost:9',
  home: 'http://localhost:9',
  hospital: 'http://localhost:9/hospital',
  visits: 'http://localhost:9/my-visits/',
  carePlan: 'http://localhost:9/my-care-plan/',
  report: 'http://localhost:9'
}

const app = {
  clientId: 'heart-app',
  name: 'Heart App',
  launchUrl: 'http://localhost:7002/launch',
  origin: 'http://localhost:7002'
}
const doctorsApp = {
  ...app,
  clientId: 'heart-app-doctors',
  name: 'Heart App for doctors',
  launchUrl: 'http://localhost:7002/doctors/launch'
}
const clinic = {
  id: 'clinic',
  name: 'Clinic',
  baseUrl: 'http://localhost:7001/fhir',
  clientId: 'clinic-fhir',
  clientSecret: 'words'
}

test('what goes into a page is text, never markup', () => {
  expect(html`<p title="${'"x'}">${['<b>', html`<i>${1}</i>`]}</p>`.source).toBe(
    '<p title="&#34;x">&#60;b><i>1</i></p>'.replace('b>', 'b&#62;')
  )
})

test('the start page shows the code of the moment, and the key, of each account that has one', async () => {
  const port = await freePort()
  const accounts = [
    { username: 'maria', password: 'words', totp: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', name: 'Maria', describes: 'Patient' },
    { username: 'john', password: 'words', name: 'John', describes: 'Patient' }
  ]
  open.push(await startHome({ host, port, organization: 'Clinic', addresses, accounts, now: () => 1_111_111_109_000 }))
  const shown = await (await fetch(`http://${host}:${port}/`)).text()
  expect(shown).toContain('081804')
  expect(shown).toContain('Set up at the first sign-in')
  expect(await (await fetch(`http://${host}:${port}/codes`)).json()).toEqual({ maria: { code: '081804', remaining: 1 } })
})

test('the app serves the fhirclient package as it is, and may reach only the clinic and its EHR, which alone may frame it', async () => {
  const port = await freePort()
  open.push(
    await startApp({
      host,
      port,
      app,
      doctorsApp,
      fhirServers: [clinic, { ...clinic, baseUrl: 'http://localhost:7005/fhir' }],
      issuer: 'http://localhost:7000',
      embeddedBy: ['http://localhost:7003']
    })
  )
  const answer = await fetch(`http://${host}:${port}/launch`)
  const policy = answer.headers.get('content-security-policy')?.split('; ')
  expect(policy).toContain(
    "connect-src 'self' http://localhost:7001 http://localhost:7005 http://localhost:7000 http://localhost:7003"
  )
  expect(policy).toContain('frame-ancestors http://localhost:7003')
  expect(policy).toContain("frame-src 'none'")
  expect(await answer.text()).toContain('data-client-id="heart-app"')
  expect(await (await fetch(`http://${host}:${port}/doctors/launch`)).text()).toContain('data-client-id="heart-app-doctors"')
  const served = Buffer.from(await (await fetch(`http://${host}:${port}/fhir-client.js`)).arrayBuffer())
  const { readFile } = await import('node:fs/promises')
  expect(served.equals(await readFile(new URL(import.meta.resolve('fhirclient/build/fhir-client.js'))))).toBe(true)
})

test('a page of the demo answers for its own host name only', async () => {
  const port = await freePort()
  open.push(await startHome({ host, port, organization: 'Clinic', addresses, accounts: [], now: Date.now }))
  const status = await new Promise((resolve, reject) => {
    request({ host, port, path: '/', headers: { host: `attacker.example:${port}` } }, (answer) =>
      resolve(answer.resume().statusCode)
    )
      .once('error', reject)
      .end()
  })
  expect(status).toBe(421)
})

test('the EHR knows the five patients with their visits and reports, the latest first, and both doctors', () => {
  const { patients, practitioners } = readChart(clinicRecords())
  expect(patients.map(({ id }) => id).sort()).toEqual(['aisha', 'john', 'leo', 'maria', 'sofia'])
  expect(practitioners.map(({ id }) => id).sort()).toEqual(['lee', 'novak'])
  for (const { visits, records } of patients) {
    for (const list of [visits, records]) {
      expect(list.length).toBeGreaterThan(0)
      const dates = list.map(({ date }) => date)
      expect(dates).toEqual(dates.toSorted().toReversed())
    }
  }
})

async function ehrPage() {
  const port = await freePort()
  const unreachable = `http://${host}:${await freePort()}`
  open.push(
    await startEhr({
      host,
      port,
      issuer: unreachable,
      registered: {
        clientId: 'clinic-ehr',
        jwksPath: '/jwks',
        origin: 'http://localhost:7003',
        pageOrigins: ['http://localhost:7003']
      },
      fhirServer: clinic,
      apps: [app, doctorsApp]
    })
  )
  return (form: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(`http://${host}:${port}/open`, { method: 'POST', body: new URLSearchParams(form), headers, redirect: 'manual' })
}

test.each([
  ['a visit of another patient', { practitioner: 'lee', open: 'sofia leo-visit-1' }],
  ['nobody', { practitioner: 'lee', open: '' }],
  ['an unknown doctor', { practitioner: 'who', open: 'leo' }],
  ['an app that it does not know', { practitioner: 'lee', open: 'leo', app: 'another' }]
])('the EHR opens no app for %s', async (_case, form) => {
  const openApp = await ehrPage()
  expect((await openApp(form)).status).toBe(400)
})

test('the EHR says in words that Keyward could not be asked', async () => {
  const openApp = await ehrPage()
  const answer = await openApp({ practitioner: 'lee', open: 'leo leo-visit-1' })
  expect(answer.status).toBe(502)
  expect(await answer.text()).toContain('Keyward could not be asked')
})

test('the EHR takes no form of another site', async () => {
  const openApp = await ehrPage()
  expect((await openApp({ practitioner: 'lee', open: 'leo' }, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
})
