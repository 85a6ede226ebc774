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
  home: 'http://localhost:9'
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

test('the app serves the fhirclient package as it is, and may reach only the clinic', async () => {
  const port = await freePort()
  open.push(
    await startApp({
      host,
      port,
      clientId: 'heart-app',
      fhirBaseUrl: 'http://localhost:7001/fhir',
      issuer: 'http://localhost:7000'
    })
  )
  const answer = await fetch(`http://${host}:${port}/launch`)
  expect(answer.headers.get('content-security-policy')).toContain(
    "connect-src 'self' http://localhost:7001 http://localhost:7000;"
  )
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

test('the EHR knows the five patients with their visits, the latest first, and both doctors', () => {
  const { patients, practitioners } = readChart(clinicRecords())
  expect(patients.map(({ id }) => id).sort()).toEqual(['aisha', 'john', 'leo', 'maria', 'sofia'])
  expect(practitioners.map(({ id }) => id).sort()).toEqual(['lee', 'novak'])
  for (const { visits } of patients) {
    expect(visits.length).toBeGreaterThan(0)
    expect(visits.map(({ date }) => date)).toEqual(
      visits
        .map(({ date }) => date)
        .toSorted()
        .toReversed()
    )
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
      registered: { clientId: 'clinic-ehr', jwksPath: '/jwks', origin: 'http://localhost:7003' },
      fhirServer: { id: 'clinic', baseUrl: 'http://localhost:7001/fhir' },
      app: { clientId: 'heart-app', launchUrl: 'http://localhost:7002/launch' }
    })
  )
  return (form: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(`http://${host}:${port}/open`, { method: 'POST', body: new URLSearchParams(form), headers, redirect: 'manual' })
}

test.each([
  ['a visit of another patient', { practitioner: 'lee', open: 'sofia leo-visit-1' }],
  ['nobody', { practitioner: 'lee', open: '' }],
  ['an unknown doctor', { practitioner: 'who', open: 'leo' }]
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
