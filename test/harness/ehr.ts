/** The clinic's EHR as Keyward sees it: gets access tokens with its key, and mints launch contexts with them. */

import { newService, type ServiceAnswer } from './backend-client.ts'
import { EHR_KEY } from './clinic-config.ts'
import { noteSecret } from './run-folder.ts'

/** The header with which it asks for launch contexts. */
export async function ehrBearer(issuer: string, clientId = 'clinic-ehr', key = EHR_KEY): Promise<string> {
  const { status, text, body } = await newService(issuer, clientId, key).token({ scope: '__launch_context' })
  if (typeof body.access_token !== 'string') throw new Error(`the EHR got no access token: ${status} ${text}`)
  noteSecret('access token', body.access_token)
  return `Bearer ${body.access_token}`
}

/** The answer to a request for a launch context; without an authorization of its own it is asked with a fresh token. */
export async function askLaunch(issuer: string, context: unknown, authorization?: string): Promise<ServiceAnswer> {
  const shown = authorization ?? (await ehrBearer(issuer))
  const response = await fetch(`${issuer}/launch`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(shown ? { Authorization: shown } : {}) },
    body: JSON.stringify(context)
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: text === '' ? {} : JSON.parse(text) }
}

/** A launch handle. */
export async function mint(issuer: string, context: object): Promise<string> {
  const { status, text, body } = await askLaunch(issuer, context)
  if (status !== 201) throw new Error(`no launch: ${status} ${text}`)
  return String(body.launch)
}
