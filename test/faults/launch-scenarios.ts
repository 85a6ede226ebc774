/** What an EHR, and the app that it launched, were doing when a replica died. */
import { expect } from 'vitest'
import { basic, newApp } from '../harness/app-client.ts'
import { SECRETS } from '../harness/clinic-config.ts'
import type { Attempt } from './recorder.ts'
import { ask, type Scenario } from './token-scenarios.ts'

const EHR = { Authorization: basic('clinic-ehr', SECRETS['clinic-ehr']) }
const CONTEXT = { client_id: 'heart-app', fhirServer: 'clinic', patient: 'maria' }
const SCOPE = 'openid fhirUser launch patient/Patient.rs'

async function createdAt(issuer: string): Promise<string> {
  const answer = await fetch(`${issuer}/launch`, {
    method: 'POST',
    headers: { ...EHR, 'Content-Type': 'application/json' },
    body: JSON.stringify(CONTEXT)
  })
  expect(answer.status).toBe(201)
  return String(Reflect.get(Object(await answer.json()), 'launch'))
}

/** An EHR without an answer asks again, and what it gets then can be redeemed. */
export const launch: Scenario = async (site) => {
  const { issuer, dying, living } = site
  const operation = { type: 'step' as const, what: 'create a launch context' }
  const attempt: Attempt = { port: dying, path: '/launch', form: {}, json: CONTEXT, headers: EHR, operation }
  return {
    attempt,
    async settle() {
      expect(await ask(site, { ...attempt, port: living })).toEqual({ type: 'done' })
      const url = newApp(issuer).authorizationUrl({ scope: SCOPE, launch: await createdAt(issuer) })
      expect(await begun(url)).toContain('/interaction/')
    }
  }
}

/** The authorization request that redeems a launch may be made again; no other one can redeem it. */
export const redemption: Scenario = async (site) => {
  const { issuer, dying } = site
  const handle = await createdAt(issuer)
  const url = newApp(issuer).authorizationUrl({ scope: SCOPE, launch: handle })
  const operation = { type: 'step' as const, what: 'redeem a launch' }
  const attempt: Attempt = { port: dying, path: url.slice(issuer.length), method: 'GET', form: {}, operation }
  return {
    attempt,
    async settle() {
      expect(await begun(url)).toContain('/interaction/')
      const other = await begun(newApp(issuer).authorizationUrl({ scope: SCOPE, launch: handle }))
      expect(new URL(other).searchParams.get('error')).toBe('invalid_request')
    }
  }
}

async function begun(url: string): Promise<string> {
  const answer = await fetch(url, { redirect: 'manual' })
  expect(answer.status).toBe(303)
  return new URL(answer.headers.get('location') ?? '', url).href
}
