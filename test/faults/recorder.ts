/** A client that keeps a history (history.ts) of all that it asks and is answered. */

import { basic } from '../harness/app-client.ts'
import { SECRETS } from '../harness/clinic-config.ts'
import { noteSecret } from '../harness/run-folder.ts'
import { atOnce, type Received, type Sent } from './barrier.ts'
import type { Answer, Call, Operation } from './history.ts'

export interface Attempt extends Sent {
  operation: Operation
}

export interface Recorder {
  calls: Call[]
  /** Sends all of them at once, each over a connection of its own; tells how many have been answered. */
  perform(attempts: readonly Attempt[], onProgress?: (answered: number) => void): Promise<Answer[]>
  /** Keeps a call that is made in another way. */
  note(operation: Operation, call: () => Promise<Answer>): Promise<Answer>
}

export function newRecorder(issuer: string): Recorder {
  const calls: Call[] = []
  return {
    calls,
    async perform(attempts, onProgress) {
      const received = await atOnce(issuer, attempts, onProgress)
      return received.map(({ start, end, ...each }, at) => {
        const { operation } = attempts[at] ?? {}
        if (!operation) throw new Error('an answer to nothing')
        const answer: Answer = 'text' in each ? answerOf(operation, { ...each, start, end }) : { type: 'lost' }
        calls.push({ operation, answer, start, end })
        return answer
      })
    },
    async note(operation, call) {
      const start = performance.now()
      const answer = await call()
      calls.push({ operation, answer, start, end: performance.now() })
      return answer
    }
  }
}

/** `of`: the fhirUser of whoever gave the code. */
export function redeeming(port: number, code: string, verifier: string, of?: string): Attempt {
  const form = {
    grant_type: 'authorization_code',
    client_id: 'heart-app',
    code,
    redirect_uri: 'http://localhost:9002/app',
    code_verifier: verifier
  }
  return { port, path: '/token', form, operation: { type: 'redeem', code, ...(of === undefined ? {} : { of }) } }
}

export function refreshing(port: number, token: string): Attempt {
  const form = { grant_type: 'refresh_token', client_id: 'heart-app', refresh_token: token }
  return { port, path: '/token', form, operation: { type: 'refresh', token } }
}

export function revoking(port: number, token: string): Attempt {
  return { port, path: '/revoke', form: { client_id: 'heart-app', token }, operation: { type: 'end', tokens: [token] } }
}

export function introspecting(port: number, token: string): Attempt {
  const headers = { Authorization: basic('clinic-fhir', SECRETS['clinic-fhir']) }
  return { port, path: '/introspect', form: { token }, headers, operation: { type: 'introspect', token } }
}

function answerOf(operation: Operation, received: Received): Answer {
  const { status, headers, text } = received
  const fault: Answer = { type: 'fault', what: `${status} ${text.slice(0, 200)}` }
  if (status === 503)
    return Number(headers['retry-after']) > 0 && !text.includes('invalid_grant') ? { type: 'unavailable' } : fault
  switch (operation.type) {
    case 'redeem':
    case 'refresh': {
      const { access_token: access, refresh_token: refresh, id_token: idToken, error } = JSON.parse(text)
      if (status === 200 && access && refresh) {
        noteSecret('access token', access)
        noteSecret('refresh token', refresh)
        const whose = fhirUserIn(idToken)
        return { type: 'tokens', access, refresh, requestId: String(headers['x-request-id']), ...(whose ? { whose } : {}) }
      }
      return status === 400 && error === 'invalid_grant' ? { type: 'refused', error } : fault
    }
    case 'introspect': {
      if (status !== 200) return fault
      const { active, fhirUser: whose } = JSON.parse(text)
      return { type: 'active', active: active === true, ...(whose ? { whose } : {}) }
    }
    case 'end':
      return status === 200 ? { type: 'done' } : fault
    case 'find':
      return fault
    case 'assertion':
      if (status === 200) return { type: 'done' }
      return status === 401 && JSON.parse(text).error === 'invalid_client' ? { type: 'refused', error: 'invalid_client' } : fault
    case 'resume':
      if (status === 303 && /[?&]code=/.test(headers.location ?? '')) return { type: 'done' }
      return status < 500 ? { type: 'refused', error: String(status) } : fault
    case 'step':
    case 'keep':
      if (status < 400) return { type: 'done' }
      return status < 500 ? { type: 'refused', error: String(status) } : fault
    case 'one-time-code':
      if (status === 303) return { type: 'done' }
      return status === 422 ? { type: 'refused', error: 'code' } : fault
  }
}

/** Whose an id_token is; its signature is not looked at here. */
function fhirUserIn(idToken: unknown): string | undefined {
  const claims = typeof idToken === 'string' ? idToken.split('.')[1] : undefined
  return claims === undefined ? undefined : JSON.parse(Buffer.from(claims, 'base64url').toString()).fhirUser
}
