/** Somebody sends a one-time code to a replica that dies: the code counts once, and they get in with it or with the next. */
import { expect } from 'vitest'
import { askedForCode, freest, type Lane, nextCode } from './one-time-codes.ts'
import type { Attempt } from './recorder.ts'
import { ask, type Scenario } from './token-scenarios.ts'

export function secondFactor(lanes: readonly Lane[]): Scenario {
  return async (site) => {
    const { issuer, dying, living } = site
    const lane = freest(lanes)
    const session = await askedForCode(issuer, lane)
    const sending = async (port: number): Promise<Attempt> => {
      const { code, operation } = await nextCode(lane)
      return { ...session, port, form: { ...session.form, code }, operation }
    }
    const attempt = await sending(dying)
    return {
      attempt,
      async settle() {
        const again = await ask(site, { ...attempt, port: living })
        if (again.type === 'done') return
        expect(again).toEqual({ type: 'refused', error: 'code' })
        expect(await ask(site, await sending(living))).toEqual({ type: 'done' })
      }
    }
  }
}
