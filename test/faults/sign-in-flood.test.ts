/**
 * Cases 104 and 137, F24: many more people than can be checked sign in at once, at real processes. Passwords are hashed
 * beside the server, so tokens do not wait for them; what can't be checked is refused at once and counts for nothing.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { authorize, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { type KeywardProcess, startProcess } from '../harness/keyward-process.ts'
import { childrenOf, startedWith } from '../harness/process-ids.ts'
import type { FloodAnswers, FloodForm } from './login-flood.ts'
import { sentBy } from './person.ts'

const FLOOD = resolve(import.meta.dirname, 'login-flood.ts')
/** In milliseconds, by the case. */
const BAR = 250

let first: KeywardProcess
let second: KeywardProcess
beforeAll(async () => {
  const key = () => randomBytes(32).toString('base64url')
  const secrets = JSON.stringify({ sealingKeys: [{ id: 1, key: key() }], lookupKey: key(), cookieKeys: [key()] })
  const clinic = (yaml: string) =>
    yaml
      .replace('signInsPerAddress: 10000', 'signInsPerAddress: 10000000, passwordsPerAccount: 5')
      .replace(/^secondFactor: .*$/m, 'secondFactor: { patients: "off", clinicians: "off" }')
      .replace('accounts:\n', `secrets: ${secrets}\nlog: { level: warn }\naccounts:\n`)
  first = await startProcess({ store: 'redis', change: clinic })
  const url = first.redis?.url ?? ''
  second = await startProcess({
    change: (yaml) =>
      clinic(yaml)
        .replace(/^issuer: .*$/m, `issuer: ${first.issuer}`)
        .replace(/^store: .*$/m, `store: "${url}"`)
  })
})
afterAll(async () => {
  await second?.stop()
  await first?.stop()
})

/** Login forms of so many browsers, each sent by itself to a process in turn. */
async function loginForms(
  browsers: number,
  each: number,
  { ports, username }: { ports: number[]; username: (n: number) => string }
): Promise<FloodForm[]> {
  const forms: FloodForm[] = []
  for (let opened = 0; opened < browsers; opened += 1) {
    const browser = newBrowser(first.issuer)
    await browser.open(newApp(first.issuer).authorizationUrl())
    const { action, hidden } = browser.form()
    const path = new URL(action).pathname
    for (let copy = 0; copy < each; copy += 1) {
      const body = new URLSearchParams({ ...hidden, username: username(forms.length), password: `wrong ${forms.length}` })
      forms.push({
        port: ports[forms.length % ports.length] ?? 0,
        path,
        headers: {
          ...sentBy(browser, first.issuer, path),
          Host: new URL(first.issuer).host,
          'Content-Type': 'application/x-www-form-urlencoded'
        },
        body: body.toString()
      })
    }
  }
  return forms
}

async function flood(forms: FloodForm[], rate: number): Promise<FloodAnswers> {
  const program = spawn(process.execPath, [FLOOD, '--rate', String(rate)], { stdio: ['pipe', 'pipe', 'inherit'] })
  program.stdin.end(JSON.stringify(forms))
  return JSON.parse(await text(program.stdout))
}

/** Refreshes on and on; how long each took, in milliseconds. */
async function refreshing(over: () => boolean): Promise<number[]> {
  const app = newApp(first.issuer)
  let { body } = await app.redeem(app.codeFrom(await authorize(newBrowser(first.issuer), app.authorizationUrl())))
  const times: number[] = []
  while (!over() || times.length < 50) {
    const begun = performance.now()
    const answer = await app.refresh(body.refresh_token ?? '')
    times.push(performance.now() - begun)
    expect(answer).toMatchObject({ status: 200 })
    body = answer.body
  }
  return times
}

/** Those of the second server. */
function hashingProcesses(): number[] {
  return startedWith(second.configFile).flatMap((pid) => childrenOf(pid, 'hashing-child'))
}

const p99Of = (times: number[]): number => times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN

/** What a machine makes of the bar that is busy with other things: there it is slow without a flood, too. */
const barFor = (quiet: number[]): number => Math.max(BAR, 3 * p99Of(quiet))

async function duringFlood(forms: FloodForm[], rate: number) {
  const quiet = await refreshing(() => true)
  let over = false
  const flooding = flood(forms, rate).finally(() => {
    over = true
  })
  const times = await refreshing(() => over)
  return { quiet, times, answers: await flooding }
}

test('case 104: 100 wrong passwords at once for one account, at two processes: 5 are hashed, and no more for a right one', async () => {
  const forms = await loginForms(20, 5, { ports: [first.port, second.port], username: () => 'maria' })
  const { statuses } = await flood(forms, Number.MAX_SAFE_INTEGER)
  expect(Object.keys(statuses).filter((status) => !['422', '429', '503'].includes(status))).toEqual([])
  expect(statuses[422]).toBe(5)
  expect((await authorize(newBrowser(first.issuer), newApp(first.issuer).authorizationUrl())).status).toBe(429)
  const { stdout } = await first.cli('audit', 'export')
  const reasons = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).event.reason)
  expect(reasons.filter((reason) => reason === 'wrong-credentials')).toHaveLength(5)
  await first.cli('account', 'unlock', 'maria')
})

test('F24: 500 sign-ins at once: tokens are given out as ever, what can not be checked is told when to come back', async () => {
  const forms = await loginForms(50, 10, { ports: [first.port], username: (n) => `somebody-${n}` })
  const { quiet, times, answers } = await duringFlood(forms, Number.MAX_SAFE_INTEGER)
  expect(p99Of(times)).toBeLessThan(barFor(quiet))
  expect(answers.withoutRetryAfter).toBe(0)
  expect(Object.keys(answers.statuses).sort()).toEqual(['422', '503'])
  // As many as there are places in the queue were checked.
  expect(answers.statuses[422]).toBeGreaterThanOrEqual(32)
})

test('case 137: ten times as many sign-ins as can be checked: tokens stay fast, and people do sign in', async () => {
  // How many can be: so many that each still finds a place.
  const few = await loginForms(10, 3, { ports: [first.port], username: (n) => `one-${n}` })
  const begun = performance.now()
  expect((await flood(few, Number.MAX_SAFE_INTEGER)).statuses).toEqual({ 422: few.length })
  const perSecond = (few.length * 1000) / (performance.now() - begun)
  const forms = await loginForms(60, 15, { ports: [first.port], username: (n) => `anybody-${n}` })
  const { quiet, times, answers } = await duringFlood(forms, 10 * perSecond)
  expect(p99Of(times)).toBeLessThan(barFor(quiet))
  expect(answers.withoutRetryAfter).toBe(0)
  expect(Object.keys(answers.statuses).sort()).toEqual(['422', '503'])
  const page = await authorize(newBrowser(first.issuer), newApp(first.issuer).authorizationUrl())
  expect(new URL(page.url).searchParams.get('code')).toMatch(/^kw_ac_/)
})

test.runIf(process.platform === 'linux')(
  'F24: the process that hashes dies: people sign in again, and it ends with the server',
  async () => {
    const [hashing] = hashingProcesses()
    expect(hashing).toBeDefined()
    process.kill(hashing ?? 0, 'SIGKILL')
    await expect
      .poll(async () => (await authorize(newBrowser(first.issuer), newApp(first.issuer).authorizationUrl())).url, {
        timeout: 30_000
      })
      .toContain('code=')
    await second.kill()
    await expect.poll(() => hashingProcesses(), { timeout: 30_000 }).toEqual([])
  }
)
