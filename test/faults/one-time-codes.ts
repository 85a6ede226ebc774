/** Accounts that are asked for a one-time code, and codes for them that nobody has used. */
import { setTimeout as wait } from 'node:timers/promises'
import { generate, generateSecret } from 'otplib'
import { newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import { noteSecret } from '../harness/run-folder.ts'
import type { Operation } from './history.ts'
import { sentBy } from './person.ts'
import type { Attempt } from './recorder.ts'
import type { Racer } from './replicas.ts'

const STEP = 30_000

/** A session that has given its password and is asked for the one-time code. */
export type Waiting = Omit<Attempt, 'port' | 'operation'>

export interface Lane extends Racer {
  /** Of the last code that was used. */
  lastStep: number
  waiting: Waiting[]
}

export function newRacers(count: number): Racer[] {
  return Array.from({ length: count }, (_, at) => {
    const totp = generateSecret({ length: 20 })
    noteSecret('TOTP key', totp)
    return { username: `racer-${at}`, totp }
  })
}

export function lanesOf(racers: readonly Racer[]): Lane[] {
  return racers.map((racer) => ({ ...racer, lastStep: 0, waiting: [] }))
}

/** The one that has waited longest for a new code. */
export function freest(lanes: readonly Lane[]): Lane {
  return lanes.reduce((least, each) => (each.lastStep < least.lastStep ? each : least))
}

/** A code of a step that this account has not used; the next step's may be used early. */
export async function nextCode(lane: Lane): Promise<{ code: string; operation: Operation }> {
  const step = Math.max(Math.floor(Date.now() / STEP), lane.lastStep + 1)
  await wait(Math.max(0, (step - 1) * STEP - Date.now()))
  lane.lastStep = step
  const code = await generate({ secret: lane.totp, epoch: (step * STEP) / 1000 })
  return { code, operation: { type: 'one-time-code', account: lane.username, code: `${code} of step ${step}` } }
}

export async function askedForCode(issuer: string, { username }: Racer): Promise<Waiting> {
  const browser = newBrowser(issuer)
  await browser.open(newApp(issuer).authorizationUrl())
  const page = await browser.submit({ username, password: PASSWORD })
  if (page.step !== 'mfa') throw new Error(`${username} is not asked for a code: ${page.status} ${page.url}`)
  const { action, hidden } = browser.form()
  const { pathname } = new URL(action)
  return { path: pathname, form: hidden, headers: sentBy(browser, issuer, pathname) }
}
