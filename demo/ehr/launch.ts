/** How an EHR opens a SMART app: it gets a short access token with its key, tells Keyward the patient and the visit, and gets a handle for the app. */
import { z } from 'zod'
import type { EhrKey } from './key.ts'

export interface LaunchRequest {
  client_id: string
  fhirServer: string
  patient: string
  encounter?: string
  /** The fhirUser who works at this screen. */
  user: string
  need_patient_banner: boolean
  smart_style_url: string
  tenant: string
}

interface Deps {
  issuer: string
  clientId: string
  key: EhrKey
}

export type LaunchOutcome = { ok: true; launch: string } | { ok: false; reason: string }

const tokens = z.looseObject({ access_token: z.string() })
const created = z.looseObject({ launch: z.string() })
const patience = 10_000

export function createLaunches({ issuer, clientId, key }: Deps) {
  /** SMART App Launch 2.2, "Client Authentication: Asymmetric" */
  function askToken(): Promise<Response> {
    const assertion = key.sign({ iss: clientId, sub: clientId, aud: `${issuer}/token` })
    return fetch(`${issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: '__launch_context',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion
      }),
      signal: AbortSignal.timeout(patience)
    })
  }

  async function askLaunch(request: LaunchRequest, token: string): Promise<Response> {
    return fetch(`${issuer}/launch`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(patience)
    })
  }

  return {
    async create(request: LaunchRequest): Promise<LaunchOutcome> {
      try {
        const given = await askToken()
        if (given.status !== 200) return await refused(given)
        const answer = await askLaunch(request, tokens.parse(await given.json()).access_token)
        if (answer.status !== 201) return await refused(answer)
        return { ok: true, launch: created.parse(await answer.json()).launch }
      } catch (fault) {
        return { ok: false, reason: `Keyward could not be asked: ${fault instanceof Error ? fault.message : 'unknown fault'}` }
      }
    }
  }
}

async function refused(answer: Response): Promise<LaunchOutcome> {
  return { ok: false, reason: `Keyward answered ${answer.status}: ${(await answer.text()).slice(0, 300)}` }
}
