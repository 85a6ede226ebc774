/** What an EHR, and the app that it launched, were doing when a replica died. */
import { expect } from 'vitest'
import { newApp } from '../harness/app-client.ts'
import { ehrBearer } from '../harness/ehr.ts'
import type { Attempt } from './recorder.ts'
import { ask, type Scenario } from './token-scenarios.ts'

const CONTEXT = { client_id: 'heart-app', fhirServer: 'clinic', patient: 'maria' }
const SCOPE = 'openid fhirUser launch patient/Patient.rs'

async function createdAt(issuer: string): Promise<string> {
  const answer = await fetch(`${issuer}/launch`, {
    method: 'POST',
    headers: { Authorization: await ehrBearer(issuer), 'Content-Type': 'application/json' },
    body: JSON.stringify(CONTEXT)
  })
  expect(answer.status).toBe(201)
  return String(Reflect.get(Object(await answer.json()), 'launch'))
}

/** An EHR without an answer asks again, and what it gets then can be redeemed. */
export const launch: Scenario = async (site) => {
  const { issuer, dying, living } = site
  const operation = { type: 'step' as const, what: 'create a launch context' }
  const headers = { Authorization: await ehrBearer(issuer) }
  const attempt: Attempt = { port: dying, path: '/launch', form: {}, json: CONTEXT, headers, operation }
  return {
    attempt,
    async settle() {
      await site.expectAllAudited()
      expect(await ask(site, { ...attempt, port: living })).toEqual({ type: 'done' })
      const url = newApp(issuer).authorizationUrl({ scope: SCOPE, launch: await createdAt(issuer) })
      expect(await begun(url)).toContain('/interaction/')
    }
  }
}

/** Whose browser had no answer launches again from the EHR; no other request can redeem what was redeemed, the same of another browser neither. */
export const redemption: Scenario = async (site) => {
  const { issuer, dying } = site
  const handle = await createdAt(issuer)
  const url = newApp(issuer).authorizationUrl({ scope: SCOPE, launch: handle })
  const operation = { type: 'step' as const, what: 'redeem a launch' }
  const attempt: Attempt = { port: dying, path: url.slice(issuer.length), method: 'GET', form: {}, operation }
  return {
    attempt,
    async settle() {
      const first = await begun(url)
      const other = await begun(newApp(issuer).authorizationUrl({ scope: SCOPE, launch: handle }))
      for (const location of first.includes('/interaction/') ? [other] : [first, other])
        expect(new URL(location).searchParams.get('error')).toBe('invalid_request')
      const again = newApp(issuer).authorizationUrl({ scope: SCOPE, launch: await createdAt(issuer) })
      expect(await begun(again)).toContain('/interaction/')
    }
  }
}

async function begun(url: string): Promise<string> {
  const answer = await fetch(url, { redirect: 'manual' })
  expect(answer.status).toBe(303)
  return new URL(answer.headers.get('location') ?? '', url).href
}
