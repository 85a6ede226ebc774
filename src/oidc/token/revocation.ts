/**
 * Revocation: either token ends its Grant, and with it everything of the same authorization. What is no token, or another
 * client's, is answered alike: nobody learns of a token that is not theirs. RFC 7009 §2
 */
import type { AuditEvent, AuditSource } from '../../audit/event.ts'
import type { AuditTrail } from '../../audit/trail.ts'
import type { ClientConfig } from '../../config/config.ts'
import { reached } from '../../observability/steps.ts'
import type { Store } from '../../store/store.ts'
import { engineKind } from '../engine-records.ts'
import { isSystemToken, systemTokens } from '../system-tokens.ts'
import { findGrant, partiesOf } from './grant.ts'
import { accessTokens, refreshTokens } from './records.ts'

type RevocationEvent = Extract<AuditEvent, { type: 'revocation' }>

export interface Revocation {
  /** Resolves once the token is worth nothing, if it was this client's. */
  revoke(token: string, client: ClientConfig, source: AuditSource): Promise<void>
}

export function createRevocation({ store, audit }: { store: Store; audit: AuditTrail }): Revocation {
  // The prefix says which kind it is: there is nothing that token_type_hint could add.
  const find = (token: string) =>
    token.startsWith('kw_rt_')
      ? store.get(refreshTokens, token)
      : token.startsWith('kw_at_')
        ? store.get(accessTokens, token)
        : undefined

  return {
    async revoke(token, { client_id: clientId }, source) {
      const record = (event: Omit<RevocationEvent, 'type' | 'clientId'>) =>
        audit.record(source, { type: 'revocation', clientId, ...event })
      const found = await find(token)
      if (!found) return record({ outcome: 'refused', reason: 'no-such-token' })
      if (found.clientId !== clientId) return record({ outcome: 'refused', reason: 'token-of-another-client' })
      if (isSystemToken(found)) {
        await store.delete(systemTokens, token)
        return record({ outcome: 'revoked' })
      }
      const { accountId, grantId } = found
      // Read before it is deleted: the audit trail says whose access ends.
      const grant = await findGrant(store, found)
      reached('revocation:found')
      await store.delete(engineKind('Grant'), grantId)
      reached('revocation:committed')
      await record({ outcome: 'revoked', ...(grant ? partiesOf(grant) : {}), accountId, grantId })
      reached('revocation:audited')
    }
  }
}
