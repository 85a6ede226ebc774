/** Rounds of one race: 25 requests for one thing, at once, over all replicas of a site in turn. */
import { setTimeout as wait } from 'node:timers/promises'
import { generate, generateSecret } from 'otplib'
import { newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import type { Answer } from './history.ts'
import { type Person, sentBy } from './person.ts'
import { type Attempt, introspecting, type Recorder, redeeming, refreshing } from './recorder.ts'
import type { Racer } from './replicas.ts'

export interface Site {
  issuer: string
  ports: readonly number[]
  recorder: Recorder
}

/** Runs a round, and says how many different successes were answered. */
export type Race = () => Promise<number>

const AT_ONCE = 25
const STEP = 30_000

const everywhere = <T>({ ports }: Site, attempt: (port: number, at: number) => T): T[] =>
  Array.from({ length: AT_ONCE }, (_, at) => attempt(ports[at % ports.length] ?? 0, at))

/** Looks at what came of it on every replica, and counts. */
async function outcome({ ports, recorder }: Site, answers: readonly Answer[]): Promise<number> {
  const given = new Map(answers.flatMap((answer) => (answer.type === 'tokens' ? [[answer.refresh, answer.access]] : [])))
  for (const access of given.values()) await recorder.perform(ports.map((port) => introspecting(port, access)))
  return given.size
}

export function raceForCode(site: Site, person: Person): Race {
  return async () => {
    const code = await person.code()
    return outcome(site, await site.recorder.perform(everywhere(site, (port) => redeeming(port, code, person.verifier))))
  }
}

export function raceForRefresh(site: Site, person: Person): Race {
  return async () => {
    const { refresh } = await person.tokens()
    return outcome(site, await site.recorder.perform(everywhere(site, (port) => refreshing(port, refresh))))
  }
}

export function newRacers(count: number): Racer[] {
  return Array.from({ length: count }, (_, at) => ({ username: `racer-${at}`, totp: generateSecret({ length: 20 }) }))
}

/** A session that has given its password and is asked for the one-time code. */
type Waiting = Omit<Attempt, 'port' | 'operation'>

/** Each account has a new code every half a minute, and may use the next one early: with enough of them nobody waits. */
export function raceForOneTimeCode(site: Site, racers: readonly Racer[]): Race {
  const { issuer, recorder } = site
  const lanes = racers.map((racer) => ({ ...racer, lastStep: 0, waiting: [] as Waiting[] }))
  return async () => {
    const lane = lanes.reduce((least, each) => (each.lastStep < least.lastStep ? each : least))
    while (lane.waiting.length < AT_ONCE) lane.waiting.push(await askedForCode(issuer, lane))
    const step = Math.max(Math.floor(Date.now() / STEP), lane.lastStep + 1)
    await wait(Math.max(0, (step - 1) * STEP - Date.now()))
    lane.lastStep = step
    const code = await generate({ secret: lane.totp, epoch: (step * STEP) / 1000 })
    const operation = { type: 'one-time-code' as const, account: lane.username, code: `${code} of step ${step}` }
    const attempts = everywhere(site, (port, at): Attempt => {
      const session = lane.waiting[at]
      if (!session) throw new Error('too few sessions')
      return { ...session, port, form: { ...session.form, code }, operation }
    })
    const answers = await recorder.perform(attempts)
    // Who was refused is still asked, and races again.
    lane.waiting = lane.waiting.filter((_, at) => answers[at]?.type !== 'done')
    return answers.filter(({ type }) => type === 'done').length
  }
}

async function askedForCode(issuer: string, { username }: Racer): Promise<Waiting> {
  const browser = newBrowser(issuer)
  await browser.open(newApp(issuer).authorizationUrl())
  const page = await browser.submit({ username, password: PASSWORD })
  if (page.step !== 'mfa') throw new Error(`${username} is not asked for a code: ${page.status} ${page.url}`)
  const { action, hidden } = browser.form()
  const { pathname } = new URL(action)
  return { path: pathname, form: hidden, headers: sentBy(browser, issuer, pathname) }
}
