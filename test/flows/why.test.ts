/** Why an app was given what it was given: in the trail, for the app's developer, and by the operator's command. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { authorize, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { type KeywardProcess, startProcess } from '../harness/keyward-process.ts'
import { paramsOf } from '../harness/refusals.ts'

let keyward: KeywardProcess
beforeAll(async () => {
  keyward = await startProcess({
    change: (yaml) => yaml.replace(/^secondFactor: .*$/m, 'secondFactor: { patients: "off", clinicians: "off" }')
  })
})
afterAll(() => keyward.stop())

interface Event {
  type: string
  outcome: string
  asked?: string[]
  scopes?: string[]
  dropped?: { scope: string; why: string }[]
}

async function authorizations(): Promise<Event[]> {
  const { stdout } = await keyward.cli('audit', 'export')
  const events: Event[] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).event)
  return events.filter(({ type }) => type === 'authorization')
}

test('the trail says scope by scope why less was granted than asked for, and audit why tells it from a token request’s id', async () => {
  const app = newApp(keyward.issuer)
  const asked = ['launch/patient', 'patient/Patient.rs', 'patient/Immunization.rs', 'system/Patient.rs', 'patient/patient.rs']
  const url = app.authorizationUrl({ scope: ['openid', ...asked].join(' ') })
  const callback = await authorize(newBrowser(keyward.issuer), url, { tick: ['patient/Patient.rs'] })
  const answer = await app.redeem(app.codeFrom(callback))
  const dropped = [
    { scope: 'patient/Immunization.rs', why: 'refused-by-the-person' },
    { scope: 'system/Patient.rs', why: 'for-backend-services-only' },
    { scope: 'patient/patient.rs', why: 'not-a-scope-here' }
  ]
  expect(await authorizations()).toEqual([
    expect.objectContaining({
      outcome: 'granted',
      asked: ['openid', ...asked],
      scopes: ['openid', 'launch/patient', 'patient/Patient.rs'],
      dropped
    })
  ])

  const told = await keyward.cli('audit', 'why', answer.headers.get('X-Request-Id') ?? '')
  expect(told.code).toBe(0)
  expect(told.stdout).toMatch(
    /authorization granted\n {2}app: heart-app\n {2}account: .+\n {2}FHIR server: clinic\n {2}patient: leo\n/
  )
  expect(told.stdout).toContain(`asked for: openid ${asked.join(' ')}`)
  expect(told.stdout).toContain('granted: openid launch/patient patient/Patient.rs')
  for (const line of [
    'patient/Immunization.rs (refused by the person)',
    'system/Patient.rs (for backend services only)',
    'patient/patient.rs (not a scope here)'
  ])
    expect(told.stdout).toContain(`not as asked: ${line}`)
})

test('where nothing can be granted, the app’s developer reads why', async () => {
  const url = newApp(keyward.issuer).authorizationUrl({ scope: 'system/Patient.rs patient/patient.rs' })
  const { error, error_description: description } = paramsOf((await newBrowser(keyward.issuer).open(url)).url)
  expect(error).toBe('invalid_scope')
  expect(description).toContain('system/Patient.rs (for backend services only), patient/patient.rs (not a scope here)')
  expect((await authorizations()).at(-1)).toMatchObject({
    outcome: 'refused',
    asked: ['system/Patient.rs', 'patient/patient.rs']
  })
})

test('the id of a page on which something was refused tells what, and for whom', async () => {
  const browser = newBrowser(keyward.issuer)
  await browser.open(newApp(keyward.issuer).authorizationUrl())
  const page = await browser.submit({ username: 'maria', password: 'not hers' })
  const told = await keyward.cli('audit', 'why', page.headers.get('X-Request-Id') ?? '')
  expect(told.code).toBe(0)
  expect(told.stdout).toMatch(/^\S+ sign-in refused\n(?: {2}.+\n)* {2}reason: wrong-credentials\n/)
  expect(told.stdout).not.toContain('not hers')
})

test('an id that nobody knows is said to be unknown', async () => {
  const told = await keyward.cli('audit', 'why', 'no-such-id')
  expect({ code: told.code, stdout: told.stdout }).toEqual({ code: 1, stdout: '' })
  expect(told.stderr).toMatch(/\w/)
})
