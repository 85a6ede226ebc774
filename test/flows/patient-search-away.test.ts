/** The FHIR server is away, hangs, refuses or lies while somebody looks a patient or a visit up: nothing goes on without context. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { type FhirServerUnderTest, searching, searchset, send, startFhirServerUnderTest } from '../harness/fhir-server.ts'
import { type Keyward, STORES, startKeyward } from '../harness/keyward.ts'
import { all, submitForm, textOf, walkTo } from '../harness/on-pages.ts'
import { searchedFhirServer } from '../harness/searched-fhir-server.ts'

type Wrongly = (request: IncomingMessage, response: ServerResponse) => void

const LEO = { resourceType: 'Patient', id: 'leo', name: [{ family: 'Diaz' }] }
const json = (body: unknown, status = 200): Wrongly => {
  return (_request, response) => send(response, status, body)
}
const raw = (text: string, headers: Record<string, string> = {}, status = 200): Wrongly => {
  return (_request, response) => void response.writeHead(status, headers).end(text)
}
const FHIR = { 'content-type': 'application/fhir+json' }

/** What it does, and what the trail says of it. */
const FAILURES: [string, Wrongly, string][] = [
  ['refuses the token', json({ resourceType: 'OperationOutcome' }, 401), 'refused'],
  ['forbids the search', json({ resourceType: 'OperationOutcome' }, 403), 'refused'],
  ['has no patients', json({ resourceType: 'OperationOutcome' }, 404), 'not-found'],
  ['breaks', json({ resourceType: 'OperationOutcome' }, 500), 'status'],
  ['sends somewhere else', raw('', { location: 'https://elsewhere.example/fhir/Patient' }, 307), 'status'],
  ['answers with a page', raw('<html>', { 'content-type': 'text/html' }), 'unusable'],
  ['answers with half of its JSON', raw('{"resourceType":"Bundle",', FHIR), 'unusable'],
  ['answers with something else', json({ resourceType: 'Patient', id: 'lea' }), 'unusable'],
  ['answers with a bundle of another kind', json({ ...searchset([LEO]), type: 'history' }), 'unusable'],
  ['finds another type', json(searchset([LEO, { resourceType: 'Practitioner', id: 'lee' }])), 'unusable'],
  ['finds one without an id', json(searchset([{ resourceType: 'Patient' }])), 'unusable'],
  ['finds one whose id is none', json(searchset([{ resourceType: 'Patient', id: '../x' }])), 'unusable'],
  ['finds everybody', json(searchset(Array.from({ length: 201 }, (_, at) => ({ ...LEO, id: `p-${at}` })))), 'unusable'],
  ['answers with too much', raw(JSON.stringify({ ...searchset([LEO]), text: 'x'.repeat(1_100_000) }), FHIR), 'too-long'],
  ['says that it is compressed', raw('x', { ...FHIR, 'content-encoding': 'gzip' }), 'encoded'],
  ['hangs up', (request) => void request.socket.destroy(), 'unreachable']
]

describe.each(STORES)('a FHIR server that can not be searched, on %s', (store) => {
  let fhir: FhirServerUnderTest
  let keyward: Keyward
  searchedFhirServer(store, (started) => {
    ;({ fhir, keyward } = started)
  })

  async function begin(scope: string, username = 'dr.lee'): Promise<Browser> {
    const browser = newBrowser(keyward.issuer)
    const url = newApp(keyward.issuer).authorizationUrl({ scope: `openid launch/patient ${scope}`, aud: fhir.baseUrl })
    await walkTo(browser, url, 'patient', { username })
    return browser
  }

  async function expectAway(browser: Browser, reason: string): Promise<void> {
    expect(browser.page.status).toBe(503)
    expect(browser.page.headers.get('retry-after')).toBe('5')
    expect(textOf(browser.page)).toMatch(/can’t be looked up right now/)
    expect(textOf(browser.page)).toMatch(/Please try again in a minute.*Page number, if you call us: [0-9a-f-]{36}/)
    expect(browser.page.html).not.toMatch(/127\.0\.0\.1:|OperationOutcome|Error/)
    expect((await keyward.auditEvents('record-search')).at(-1)).toMatchObject({ outcome: 'failed', reason })
  }

  async function expectNothingGiven(): Promise<void> {
    expect(await all(keyward, 'Grant')).toEqual([])
    expect(await all(keyward, 'AuthorizationCode')).toEqual([])
  }

  test.each(FAILURES)(
    'SM-159: %s: the launch stops at a calm page, and goes on when it answers again',
    async (_what, wrongly, reason) => {
      const browser = await begin('patient/Patient.rs')
      fhir.answer(wrongly)
      await browser.submit({ name: 'Diaz', birthdate: '' })
      await expectAway(browser, reason)
      expect(browser.page.html).toContain('value="Diaz"')
      await expectNothingGiven()
      fhir.answer()
      await browser.submit({ name: 'Diaz', birthdate: '' })
      expect(browser.form(1).radios.map(({ value }) => value)).toEqual(['maria', 'leo', 'leo-too'])
    }
  )

  test('F26: one that never answers is waited for 5 seconds', async () => {
    const browser = await begin('patient/Patient.rs')
    fhir.answer(() => undefined)
    const began = Date.now()
    await browser.submit({ name: 'Diaz', birthdate: '' })
    expect(Date.now() - began).toBeGreaterThanOrEqual(4900)
    await expectAway(browser, 'timed-out')
    await expectNothingGiven()
  })

  test.each(FAILURES)('%s, at the moment in which a patient is picked: nobody is picked', async (_what, wrongly, reason) => {
    const browser = await begin('patient/Patient.rs')
    await browser.submit({ name: 'Diaz', birthdate: '' })
    fhir.answer(wrongly)
    await submitForm(browser, 1, { patient: 'leo' })
    expect(browser.page.step).toBe('patient')
    expect(browser.page.status).toBe(503)
    expect((await keyward.auditEvents('patient-choice')).at(-1)).toMatchObject({
      outcome: 'refused',
      reason: reason === 'not-found' ? 'not-found' : 'not-answered',
      patient: 'leo'
    })
    await expectNothingGiven()
  })

  test.each(FAILURES)('%s: no visit is picked, and no token goes without one', async (_what, wrongly, reason) => {
    const browser = newBrowser(keyward.issuer)
    const url = newApp(keyward.issuer).authorizationUrl({ scope: 'openid launch/patient launch/encounter', aud: fhir.baseUrl })
    await walkTo(browser, url, 'patient', { username: 'maria' })
    fhir.answer(wrongly)
    await browser.submit({ patient: 'leo' })
    await expectAway(browser, reason)
    await expectNothingGiven()
    fhir.answer()
    await browser.submit({})
    expect(browser.form().radios.map(({ value }) => value)).toEqual(['leo-visit-2', 'leo-visit-1'])
    fhir.answer(wrongly)
    await browser.submit({ record: 'leo-visit-1' })
    expect([browser.page.step, browser.page.status]).toEqual(['patient', 503])
    await expectNothingGiven()
  })

  test('one visit of somebody else among them, and nothing of the answer is believed', async () => {
    const visit = { resourceType: 'Encounter', id: 'v', subject: { reference: 'Patient/leo' } }
    for (const other of [
      { ...visit, subject: { reference: 'Patient/maria' } },
      { resourceType: 'Encounter', id: 'v' }
    ]) {
      const browser = await begin('launch/encounter', 'maria')
      fhir.answer(json(searchset([visit, other])))
      await browser.submit({ patient: 'leo' })
      await expectAway(browser, 'unusable')
      fhir.answer()
    }
  })

  test.each([
    'https://elsewhere.example/fhir/Patient?page=2',
    'http://127.0.0.1:9/fhir/Patient?page=2',
    'BASE/../other/Patient?page=2',
    'BASE/%2e%2e/other/Patient?page=2',
    'BASE/..%2fother/Patient?page=2',
    'BASE/%252e%252e/other/Patient?page=2',
    'BASE/..;/other/Patient?page=2',
    'BASE/..%3b/other/Patient?page=2',
    'BASEother/Patient?page=2',
    'ftp://127.0.0.1/fhir',
    '//elsewhere.example/fhir'
  ])('case 82: its token is not sent to a next page at %s', async (next) => {
    const browser = await begin('patient/Patient.rs')
    fhir.answer(json(searchset([LEO], next.replace('BASE', fhir.baseUrl))))
    await browser.submit({ name: 'Diaz', birthdate: '' })
    expect(textOf(browser.page)).toContain('There are more, but they can’t be shown here')
    expect(browser.page.html).not.toContain('Next page')
    expect((await keyward.auditEvents('record-search')).at(-1)).toMatchObject({
      outcome: 'answered',
      reason: 'next-page-elsewhere'
    })
    const before = fhir.asked.length
    await submitForm(browser, 1, { page: '1' })
    expect(textOf(browser.page)).toContain('That search is too old')
    expect(fhir.asked).toHaveLength(before)
  })

  test.each(['BASE?_getpages=1&_offset=10', 'BASE/Patient?page=2', 'Patient?page=2', 'BASE/Patient/_search?page=2'])(
    'a next page at %s is asked',
    async (next) => {
      const browser = await begin('patient/Patient.rs')
      fhir.answer(json(searchset([LEO], next.replace('BASE', fhir.baseUrl))))
      await browser.submit({ name: 'Diaz', birthdate: '' })
      await submitForm(browser, 1, { page: '1' })
      const { pathname, search } = new URL(next.replace('BASE', fhir.baseUrl), `${fhir.baseUrl}/`)
      expect(fhir.asked.at(-1)?.url).toBe(pathname + search)
    }
  )
})

test('who searches without end is told to make a pause, and the FHIR server is left alone', async () => {
  const fhir = await startFhirServerUnderTest()
  const keyward = await startKeyward({
    change(config) {
      const { limits, ...others } = searching(fhir)(config)
      return { ...others, limits: { ...limits, searchesPerAccount: 3 } }
    }
  })
  fhir.introspectAt(keyward.issuer)
  try {
    const browser = newBrowser(keyward.issuer)
    const scope = 'openid launch/patient launch/encounter'
    const url = newApp(keyward.issuer).authorizationUrl({ scope, aud: fhir.baseUrl })
    await walkTo(browser, url, 'patient', { username: 'dr.lee' })
    await browser.submit({ name: 'Diaz', birthdate: '' })
    await submitForm(browser, 1, { patient: 'leo' })
    expect(textOf(browser.page)).toContain('Which visit is it about?')
    await browser.submit({ record: 'leo-visit-1' })
    expect([browser.page.status, browser.page.headers.get('retry-after')]).toEqual([429, '60'])
    expect(textOf(browser.page)).toMatch(/There were too many searches Please make a pause/)
    await browser.submit({ decision: 'other' })
    await browser.submit({ name: 'Diaz', birthdate: '' })
    expect(browser.page.status).toBe(429)
    expect(textOf(browser.page)).toContain('There were too many searches')
    expect(fhir.asked).toHaveLength(3)
    const accountId = expect.any(String)
    const parties = { accountId, clientId: 'heart-app', fhirServer: 'clinic' }
    const refused = { outcome: 'refused', reason: 'too-many-attempts', ...parties }
    expect((await keyward.auditEvents('record-search')).filter(({ outcome }) => outcome === 'refused')).toEqual([
      { type: 'record-search', ...refused, resourceType: 'Encounter', patient: 'leo' },
      { type: 'record-search', ...refused, resourceType: 'Patient' }
    ])
    expect(await keyward.auditEvents('record-choice')).toEqual([
      { type: 'record-choice', ...refused, patient: 'leo', record: 'Encounter/leo-visit-1' }
    ])
  } finally {
    await keyward.stop()
    await fhir.stop()
  }
})

test('one clinician’s searches that never end keep nobody else from finding a patient', async () => {
  const fhir = await startFhirServerUnderTest()
  const keyward = await startKeyward({ change: searching(fhir) })
  fhir.introspectAt(keyward.issuer)
  try {
    const url = () => newApp(keyward.issuer).authorizationUrl({ scope: 'openid launch/patient', aud: fhir.baseUrl })
    const browsers = Array.from({ length: 6 }, () => newBrowser(keyward.issuer))
    for (const browser of browsers) await walkTo(browser, url(), 'patient', { username: 'dr.lee' })
    const [other, ...slow] = browsers
    fhir.answer((request, response) => void (request.url?.includes('slow') || send(response, 200, searchset([LEO]))))
    await Promise.all(slow.map((browser) => browser.submit({ name: 'slow', birthdate: '' })))
    expect(slow.map(({ page }) => page.status)).toEqual(slow.map(() => 503))
    await other?.submit({ name: 'Diaz', birthdate: '' })
    expect(other?.form(1).radios.map(({ value }) => value)).toEqual(['leo'])
    // The one that is slow is not asked for a while.
    await slow[0]?.submit({ name: 'slow', birthdate: '' })
    expect((await keyward.auditEvents('record-search')).at(-1)).toMatchObject({ reason: 'host-left-alone' })
  } finally {
    await keyward.stop()
    await fhir.stop()
  }
})

test('a FHIR server that is not there at all', async () => {
  const fhir = await startFhirServerUnderTest()
  await fhir.stop()
  const keyward = await startKeyward({ change: searching(fhir) })
  try {
    const browser = newBrowser(keyward.issuer)
    const url = newApp(keyward.issuer).authorizationUrl({ scope: 'openid launch/patient', aud: fhir.baseUrl })
    await walkTo(browser, url, 'patient', { username: 'dr.lee' })
    for (let time = 0; time < 6; time++) {
      await browser.submit({ name: 'Diaz', birthdate: '' })
      expect(browser.page.status).toBe(503)
    }
    const reasons = (await keyward.auditEvents('record-search')).map(({ reason }) => reason)
    expect([reasons[0], reasons.at(-1)]).toEqual(['unreachable', 'host-left-alone'])
  } finally {
    await keyward.stop()
  }
})
