/**
 * A refusal at the token or revocation endpoint: what the app is told, what the
 * audit trail is told. Thrown where the reason is found; routes.ts answers and
 * records it, once. RFC 6749 §5.2, RFC 7009 §2.2.1, RFC 8707 §2
 */
import type { AuditEvent } from '../../audit/event.ts'

export type TokenError =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'

/** Whose access a request is about, as far as it is known. */
export interface Parties {
  accountId?: string
  fhirServer?: string
  patient?: string
}

interface Options {
  /** For the audit trail, where the app is told less: a fixed text, which holds nothing that was sent. */
  reason?: string
  parties?: Parties
  /** What has happened, where it is more than a refusal. */
  event?: AuditEvent
  /** What is done once that is recorded: nothing ends that the trail does not know of. */
  finish?: () => Promise<void>
  status?: 400 | 401
}

export class TokenRefusal extends Error {
  override readonly name = 'TokenRefusal'
  readonly error: TokenError
  readonly description: string
  readonly reason: string
  readonly parties: Parties
  readonly event: AuditEvent | undefined
  readonly finish: (() => Promise<void>) | undefined
  readonly status: 400 | 401

  constructor(error: TokenError, description: string, options: Options = {}) {
    const { reason = description, parties = {}, event, finish, status = 400 } = options
    super(`${error}: ${reason}`)
    this.error = error
    this.description = description
    this.reason = reason
    this.parties = parties
    this.event = event
    this.finish = finish
    this.status = status
  }
}

/** The words are the same for a code that never was, one of another app, and one that is spent or too old: none tells a thief which. */
export function invalidGrant(reason: string, options: Omit<Options, 'reason'> = {}): TokenRefusal {
  return new TokenRefusal(
    'invalid_grant',
    'the code or refresh token is not valid (any more) for this client and this request: the person has to authorize the app again',
    { ...options, reason }
  )
}
