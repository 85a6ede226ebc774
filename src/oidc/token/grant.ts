/** What every grant type is given and gives back, and what is known of whose access it is about. */
import type { AdapterPayload } from 'oidc-provider'
import type { AuditSource } from '../../audit/event.ts'
import type { ClientConfig } from '../../config/config.ts'
import { reached } from '../../observability/steps.ts'
import type { Store } from '../../store/store.ts'
import { engineKind } from '../engine-records.ts'
import type { GrantContext } from '../patches.ts'
import type { Source } from './records.ts'
import { invalidGrant, type Parties } from './refusal.ts'

export interface TokenRequest {
  grantType: string
  /** Authenticated, and registered for this grant type. */
  client: ClientConfig
  values: Record<string, string | undefined>
  resources: readonly string[]
  /** Where it comes from, for the audit trail. */
  source: AuditSource
}

/** The members of the answer, RFC 6749 §5.1. Throws a TokenRefusal. */
export type TokenGrant = (request: TokenRequest) => Promise<Record<string, unknown>>

export type FoundGrant = GrantContext & Pick<AdapterPayload, 'accountId'>

export function findGrant(store: Store, { grantId }: Pick<Source, 'grantId'>): Promise<FoundGrant | undefined> {
  return store.get<FoundGrant>(engineKind('Grant'), grantId)
}

export function partiesOf({ accountId, fhirServer, launchContext }: FoundGrant): Parties {
  const patient = launchContext?.patient
  return {
    ...(accountId === undefined ? {} : { accountId }),
    ...(fhirServer === undefined ? {} : { fhirServer }),
    ...(patient === undefined ? {} : { patient })
  }
}

/** For a code or refresh token that is good, on an access that is not any more: stopped, revoked, disabled. */
export async function accessHasEnded(store: Store, token: Source): Promise<never> {
  const grant = await findGrant(store, token)
  throw invalidGrant('the access has ended', grant ? { parties: partiesOf(grant) } : {})
}

/**
 * For a code or refresh token that has been used before: whose hands it is in, nobody can tell, so everything that came
 * of the same authorization ends with its Grant. RFC 6749 §4.1.2, RFC 9700 §4.14.2
 */
export async function endFamily(
  store: Store,
  { client }: TokenRequest,
  token: Source,
  what: 'code' | 'refresh-token'
): Promise<never> {
  const { grantId } = token
  const grant = await findGrant(store, token)
  if (!grant) throw invalidGrant('used before, and the access has ended')
  const about = { ...partiesOf(grant), clientId: client.client_id, grantId }
  throw invalidGrant('used before', {
    event: { type: 'token-reuse', outcome: 'grant-ended', what, ...about },
    async finish() {
      reached('reuse:audited')
      await store.delete(engineKind('Grant'), grantId)
      reached('reuse:ended')
    }
  })
}
