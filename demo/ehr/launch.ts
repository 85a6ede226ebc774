/** How an EHR opens a SMART app: it tells Keyward the patient and the visit, and gets a handle for the app. */
import { z } from 'zod'

export interface LaunchRequest {
  client_id: string
  fhirServer: string
  patient: string
  encounter?: string
  /** The fhirUser who works at this screen. */
  user: string
}

interface Deps {
  issuer: string
  credentials: { clientId: string; clientSecret: string }
}

export type LaunchOutcome = { ok: true; launch: string } | { ok: false; reason: string }

const created = z.looseObject({ launch: z.string() })

export async function createLaunch({ issuer, credentials }: Deps, request: LaunchRequest): Promise<LaunchOutcome> {
  // RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
  const basic = Buffer.from(
    `${encodeURIComponent(credentials.clientId)}:${encodeURIComponent(credentials.clientSecret)}`
  ).toString('base64')
  try {
    const answer = await fetch(`${issuer}/launch`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}`, 'content-type': 'application/json' },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(5000)
    })
    if (answer.status !== 201)
      return { ok: false, reason: `Keyward answered ${answer.status}: ${(await answer.text()).slice(0, 300)}` }
    return { ok: true, launch: created.parse(await answer.json()).launch }
  } catch (fault) {
    return { ok: false, reason: `Keyward could not be asked: ${fault instanceof Error ? fault.message : 'unknown fault'}` }
  }
}
