/** How an EHR opens a SMART app: it gets a short access token with its key, tells Keyward what is open, and gets a handle for the app. */
import { z } from 'zod'
import { byKey } from '../oauth/credentials.ts'
import type { ClientKey } from '../oauth/key.ts'
import { askTokens, RequestRefused } from '../oauth/requests.ts'

/** A record that the app should look at, and what for: without a role, it is what the app was opened with. */
export interface ContextRecord {
  reference: string
  role?: string
}

export interface LaunchRequest {
  client_id: string
  fhirServer: string
  patient: string
  encounter?: string
  fhirContext?: ContextRecord[]
  /** The fhirUser who works at this screen. */
  user: string
  intent?: string
  need_patient_banner: boolean
  smart_style_url?: string
  tenant?: string
}

interface Deps {
  issuer: string
  clientId: string
  key: ClientKey
}

export type LaunchOutcome = { ok: true; launch: string } | { ok: false; reason: string }

const created = z.looseObject({ launch: z.string() })
const patience = 10_000

export function createLaunches({ issuer, clientId, key }: Deps) {
  const form = { grant_type: 'client_credentials', scope: '__launch_context' }

  /** The EHR's word for who its user is: with it, nobody is asked for a password. */
  function statementOn(user: string): string {
    return key.sign({ iss: clientId, sub: user.replace('/', '-'), aud: issuer, fhirUser: user })
  }

  function askLaunch(body: object, token: string): Promise<Response> {
    return fetch(`${issuer}/launch`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(patience)
    })
  }

  return {
    async create(request: LaunchRequest, { statesUser }: { statesUser: boolean }): Promise<LaunchOutcome> {
      try {
        const { access_token: token } = await askTokens(`${issuer}/token`, form, byKey(clientId, key))
        const stated = statesUser ? { user_assertion: statementOn(request.user) } : {}
        const answer = await askLaunch({ ...request, ...stated }, token)
        if (answer.status === 201) return { ok: true, launch: created.parse(await answer.json()).launch }
        return { ok: false, reason: `Keyward answered ${answer.status}: ${(await answer.text()).slice(0, 300)}` }
      } catch (fault) {
        if (fault instanceof RequestRefused) return { ok: false, reason: fault.message }
        return { ok: false, reason: `Keyward could not be asked: ${fault instanceof Error ? fault.message : 'unknown fault'}` }
      }
    }
  }
}
