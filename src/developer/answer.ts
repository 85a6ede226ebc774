/** What an app is told of its registration. RFC 7591 §3.2.1, RFC 7592 §3 */
import type { ProductionRequest } from '../clients/stored-clients.ts'
import type { Registered } from './registration.ts'

export function answerOf({ stored, told }: Registered, issuer: string): Record<string, unknown> {
  const { client, launchUrls, registeredAt, production } = stored
  const { verified, approved_for_clinicians, fhir_servers, launch_contexts, disabled, smart_scope, ...said } = client
  return {
    ...said,
    scope: smart_scope,
    ...(launchUrls.length > 0 ? { launch_urls: launchUrls } : {}),
    client_id_issued_at: Math.floor(registeredAt / 1000),
    ...(told.secret === undefined ? {} : { client_secret: told.secret, client_secret_expires_at: 0 }),
    registration_access_token: told.registrationToken,
    registration_client_uri: `${issuer}/register/${encodeURIComponent(client.client_id)}`,
    ...(production ? { production: answerOfRequest(production) } : {})
  }
}

function answerOfRequest(request: ProductionRequest): Record<string, unknown> {
  const { state, askedAt, verifyBy, verifiedAt, enableBy, answeredAt, ground, reason } = request
  const date = (at: number) => new Date(at).toISOString()
  return {
    state,
    asked_at: date(askedAt),
    verify_by: date(verifyBy),
    ...(verifiedAt === undefined ? {} : { verified_at: date(verifiedAt) }),
    ...(enableBy === undefined ? {} : { enable_by: date(enableBy) }),
    ...(answeredAt === undefined ? {} : { answered_at: date(answeredAt) }),
    ...(ground === undefined ? {} : { ground }),
    ...(reason === undefined ? {} : { reason })
  }
}
