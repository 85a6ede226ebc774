/** Rounds of one race: 25 requests for one thing, at once, over all replicas of a site in turn. */
import type { Answer } from './history.ts'
import { askedForCode, freest, lanesOf, nextCode } from './one-time-codes.ts'
import type { Person } from './person.ts'
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
