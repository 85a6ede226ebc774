/** Registers apps as a developer does: with an invitation, and then with the token of the last answer. */

import type { Config } from '../../src/config/config.ts'
import { createInvites } from '../../src/developer/invites.ts'
import type { Keyward } from './keyward.ts'
import { noteSecret } from './run-folder.ts'
import { withoutSecondFactor } from './visit.ts'

export interface RegistrationAnswer {
  status: number
  headers: Headers
  body: Record<string, unknown>
}

export const APP = {
  client_name: 'Sleep Diary',
  redirect_uris: ['https://sleep.example/cb'],
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  scope: 'openid fhirUser launch/patient offline_access patient/Observation.rs'
}

export async function ask(
  method: string,
  url: string,
  { token, body }: { token?: string | undefined; body?: unknown } = {}
): Promise<RegistrationAnswer> {
  const answer = await fetch(url, {
    method,
    headers: {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' })
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) })
  })
  const text = await answer.text()
  const parsed: unknown = text === '' ? {} : JSON.parse(text)
  if (typeof parsed !== 'object' || parsed === null) throw new Error('the answer is no JSON object')
  return { status: answer.status, headers: answer.headers, body: { ...parsed } }
}

export async function invitation({ store }: Pick<Keyward, 'store'>, now: () => number = Date.now): Promise<string> {
  const { token } = await createInvites({ store, fence: { notBefore: () => 0 }, now }).issue()
  noteSecret('client secret', token)
  return token
}

export async function register(keyward: Keyward, metadata: unknown = APP): Promise<RegistrationAnswer> {
  const answer = await ask('POST', `${keyward.issuer}/register`, { token: await invitation(keyward), body: metadata })
  note(answer)
  return answer
}

/** What came back is noted, so that it is found wherever it should not be. */
export function note({ body }: RegistrationAnswer): void {
  if (typeof body.client_secret === 'string') noteSecret('client secret', body.client_secret)
  if (typeof body.registration_access_token === 'string') noteSecret('client secret', body.registration_access_token)
}

export const idOf = ({ body }: RegistrationAnswer): string => String(body.client_id)
export const tokenOf = ({ body }: RegistrationAnswer): string => String(body.registration_access_token)
export const uriOf = ({ body }: RegistrationAnswer): string => String(body.registration_client_uri)

export const SANDBOX_BASE = 'http://localhost:9021/fhir'

/** The sample clinic with a FHIR server of test records, where Maria has one. */
export const withRegistration = (config: Config): Config =>
  withoutSecondFactor({
    ...config,
    registration: { enabled: true, perDay: 1000 },
    fhirServers: [
      ...config.fhirServers,
      { id: 'sandbox', baseUrl: SANDBOX_BASE, enforces: { categories: [] }, introspectedBy: [], sandbox: true }
    ],
    accounts: config.accounts.map((account) =>
      account.username === 'maria'
        ? {
            ...account,
            people: [
              ...account.people,
              {
                fhirServer: 'sandbox',
                fhirUser: 'Patient/test',
                patients: [{ id: 'test', relationship: 'self', name: 'Test Patient' }]
              }
            ]
          }
        : account
    )
  })
