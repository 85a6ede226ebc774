/** Rounds of one race: 25 requests for one thing, at once, over all replicas of a site in turn. */
import { randomUUID } from 'node:crypto'
import { assertionForm, type ClientKey, claimsOf, signed } from '../harness/backend-client.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import type { Answer } from './history.ts'
import { askedForCode, freest, lanesOf, nextCode } from './one-time-codes.ts'
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
    return outcome(
      site,
      await site.recorder.perform(everywhere(site, (port) => redeeming(port, code, person.verifier, person.fhirUser)))
    )
  }
}

export function raceForRefresh(site: Site, person: Person): Race {
  return async () => {
    const { refresh } = await person.tokens()
    return outcome(site, await site.recorder.perform(everywhere(site, (port) => refreshing(port, refresh))))
  }
}

/** Each account has a new code every half a minute, and may use the next one early: with enough of them nobody waits. */
export function raceForOneTimeCode(site: Site, racers: readonly Racer[]): Race {
  const { issuer, recorder } = site
  const lanes = lanesOf(racers)
  return async () => {
    const lane = freest(lanes)
    while (lane.waiting.length < AT_ONCE) lane.waiting.push(await askedForCode(issuer, lane))
    const { code, operation } = await nextCode(lane)
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

export interface Service {
  clientId: string
  key: ClientKey
}

/** One assertion of each service, all with the same jti: each is good once. */
export function raceForAssertion(site: Site, services: readonly Service[]): Race {
  return async () => {
    const jti = randomUUID()
    const assertions = services.map(({ clientId, key }) => ({
      clientId,
      assertion: signed(key, claimsOf(clientId, `${site.issuer}/token`, { jti }))
    }))
    const attempts = assertions.flatMap(({ clientId, assertion }) =>
      everywhere(site, (port): Attempt => {
        const form = { grant_type: 'client_credentials', scope: 'system/*.rs', ...assertionForm(assertion) }
        return { port, path: '/token', form, operation: { type: 'assertion', client: clientId, jti } }
      })
    )
    const answers = await site.recorder.perform(attempts)
    const accepted = attempts.flatMap(({ operation }, at) =>
      operation.type === 'assertion' && answers[at]?.type === 'done' ? [operation.client] : []
    )
    // Two successes of one client are as wrong as none of another.
    return new Set(accepted).size === services.length && accepted.length === services.length ? 1 : accepted.length * 100
  }
}

/** The consent page's button, pressed at once in as many tabs, and each tab then goes on to the app. */
export function raceForConsent(site: Site, person: Person): Race {
  const { issuer, recorder } = site
  return async () => {
    let page = await person.browser.open(person.authorizationUrl({ prompt: 'consent' }))
    // The engine has given the session another id in the race before, which this browser did not learn.
    if (page.step === 'login') page = await person.browser.submit({ username: 'dr.lee', password: PASSWORD })
    if (page.step !== 'consent') throw new Error(`there is no consent page: ${page.status} ${page.url}`)
    const { action, hidden, checkboxes } = person.browser.form()
    const { pathname } = new URL(action)
    const interaction = pathname.split('/')[2] ?? ''
    const headers = sentBy(person.browser, issuer, pathname)
    const operation = { type: 'step' as const, what: 'allow' }
    const form = { ...hidden, decision: 'allow' }
    const ticks = checkboxes.filter(({ checked }) => checked)
    await recorder.perform(everywhere(site, (port): Attempt => ({ port, path: pathname, form, ticks, headers, operation })))
    const resume = `/authorize/${interaction}`
    const back = await recorder.perform(
      everywhere(site, (port): Attempt => {
        const asked = { port, path: resume, method: 'GET' as const, form: {}, headers: sentBy(person.browser, issuer, resume) }
        return { ...asked, operation: { type: 'resume', interaction } }
      })
    )
    return back.filter(({ type }) => type === 'done').length
  }
}

/** The first of three tokens, 25 times, right after the third was given: nobody gets anything for it, and the family is over. */
export function raceOfFirstTokens(site: Site, person: Person): Race {
  return async () => {
    const first = await person.tokens()
    let last = first
    for (const port of site.ports.slice(0, 2)) {
      const [next] = await site.recorder.perform([refreshing(port, last.refresh)])
      if (next?.type !== 'tokens') throw new Error('a refresh in peace is refused')
      last = next
    }
    const answers = await site.recorder.perform(everywhere(site, (port) => refreshing(port, first.refresh)))
    const looks = await site.recorder.perform(site.ports.map((port) => introspecting(port, last.access)))
    const isOver = looks.every((look) => look.type === 'active' && !look.active)
    return answers.every(({ type }) => type === 'refused') && isOver ? 1 : 0
  }
}
