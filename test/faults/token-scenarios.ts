/** What an app was doing when a replica died, and what it finds at the other one: exchange, refresh and revocation. */
import { expect } from 'vitest'
import type { Answer } from './history.ts'
import type { Person } from './person.ts'
import { type Attempt, introspecting, type Recorder, redeeming, refreshing, revoking } from './recorder.ts'

export interface Site {
  issuer: string
  recorder: Recorder
  person: Person
  /** The port of the replica that dies, and of the one that lives. */
  dying: number
  living: number
  /** The ids of consents that were in force at any time: each has to be in the audit trail. */
  consentsSeen: Set<string>
  /** How often the audit trail says this now. */
  told(type: string, outcome: string): Promise<number>
  /** That whatever is in the store is in the trail as well. */
  expectAllAudited(): Promise<void>
  /** With which an app may register itself. */
  invitation(): Promise<string>
}

/** One thing that is under way when the replica dies. */
export interface Interrupted {
  attempt: Attempt
  /** At the replica that lives: whoever has no answer asks again, and all is as if it had happened, or had not. */
  settle(): Promise<void>
}

export type Scenario = (site: Site) => Promise<Interrupted>

export async function ask({ recorder }: Site, attempt: Attempt): Promise<Answer> {
  const [answer] = await recorder.perform([attempt])
  if (!answer) throw new Error('a question without an answer')
  return answer
}

/** The code is spent or not: the second try gives tokens that work, or says that the code is used up. */
export const exchange: Scenario = async (site) => {
  const { person, dying, living } = site
  const code = await person.code()
  const attempt = redeeming(dying, code, person.verifier, person.fhirUser)
  return {
    attempt,
    async settle() {
      const answer = await ask(site, { ...attempt, port: living })
      if (answer.type === 'tokens') await works(site, answer)
      else expect(answer).toEqual({ type: 'refused', error: 'invalid_grant' })
      // And whoever starts over is served.
      const anew = await ask(site, redeeming(living, await person.code(), person.verifier, person.fhirUser))
      expect(anew.type).toBe('tokens')
    }
  }
}

/** Within the window for second tries, whatever had happened, the app has a token that works. */
export const refresh: Scenario = async (site) => {
  const { person, dying, living } = site
  const held = await person.tokens()
  const attempt = refreshing(dying, held.refresh)
  return {
    attempt,
    async settle() {
      const answer = await ask(site, { ...attempt, port: living })
      if (answer.type !== 'tokens') throw new Error(`the second try is answered with ${JSON.stringify(answer)}`)
      // Once more: the same successor, never a second one.
      const again = await ask(site, { ...attempt, port: living })
      expect(again).toMatchObject({ type: 'tokens', access: answer.access, refresh: answer.refresh })
      await works(site, answer)
    }
  }
}

export const revocation: Scenario = async (site) => {
  const { person, dying, living } = site
  const held = await person.tokens()
  const attempt = revoking(dying, held.refresh)
  const before = await site.told('revocation', 'revoked')
  return {
    attempt,
    async settle() {
      const access = introspecting(living, held.access)
      await expectToldIfEnded(site, held.access, async () => (await site.told('revocation', 'revoked')) > before)
      expect(await ask(site, { ...attempt, port: living })).toEqual({ type: 'done' })
      expect(await ask(site, access)).toEqual({ type: 'active', active: false })
      expect(await ask(site, refreshing(living, held.refresh))).toEqual({ type: 'refused', error: 'invalid_grant' })
    }
  }
}

/** A code that is used twice ends its family; the second time is what the kill interrupts. */
export const reuse: Scenario = async (site) => {
  const { person, dying, living } = site
  const code = await person.code()
  const first = await ask(site, redeeming(living, code, person.verifier, person.fhirUser))
  if (first.type !== 'tokens') throw new Error(`no tokens: ${JSON.stringify(first)}`)
  const attempt = redeeming(dying, code, person.verifier, person.fhirUser)
  const before = await site.told('token-reuse', 'grant-ended')
  return {
    attempt,
    async settle() {
      await expectToldIfEnded(site, first.access, async () => (await site.told('token-reuse', 'grant-ended')) > before)
      expect(await ask(site, { ...attempt, port: living })).toEqual({ type: 'refused', error: 'invalid_grant' })
      expect(await ask(site, introspecting(living, first.access))).toEqual({ type: 'active', active: false })
    }
  }
}

/** F13: nothing has ended that the audit trail does not know of. */
export async function expectToldIfEnded(site: Site, access: string, isTold: () => Promise<boolean>): Promise<void> {
  const answer = await ask(site, introspecting(site.living, access))
  if (answer.type !== 'active') throw new Error(`introspection is answered with ${JSON.stringify(answer)}`)
  expect(['active', 'ended and told']).toContain(answer.active ? 'active' : (await isTold()) ? 'ended and told' : 'ended unseen')
}

async function works(site: Site, { access, refresh }: { access: string; refresh: string }): Promise<void> {
  expect(await ask(site, introspecting(site.living, access))).toMatchObject({ type: 'active', active: true })
  expect((await ask(site, refreshing(site.living, refresh))).type).toBe('tokens')
}
