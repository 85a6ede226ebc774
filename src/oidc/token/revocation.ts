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
import type { AccessTokenValues } from '../jwt-access-tokens.ts'
import { isSystemToken, systemTokens } from '../system-tokens.ts'
import { findGrant, partiesOf } from './grant.ts'
import { type AccessToken, accessTokens, type RefreshToken, refreshTokens } from './records.ts'

type RevocationEvent = Extract<AuditEvent, { type: 'revocation' }>

export interface Revocation {
  /** Resolves once the token is worth nothing, if it was this client's. */
  revoke(token: string, client: ClientConfig, source: AuditSource): Promise<void>
}

interface Deps {
  store: Store
  audit: AuditTrail
  accessTokenValues: Pick<AccessTokenValues, 'idOf'>
}

export function createRevocation({ store, audit, accessTokenValues }: Deps): Revocation {
  // Its form says which kind it is: there is nothing that token_type_hint could add.
  async function find(token: string): Promise<RefreshToken | AccessToken | undefined> {
    if (token.startsWith('kw_rt_')) return store.get(refreshTokens, token)
    const id = await accessTokenValues.idOf(token)
    return id === undefined ? undefined : store.get(accessTokens, id)
  }

  return {
    async revoke(token, { client_id: clientId }, source) {
      const record = (event: Omit<RevocationEvent, 'type' | 'clientId'>) =>
        audit.record(source, { type: 'revocation', clientId, ...event })
      const found = await find(token)
      if (!found) return record({ outcome: 'refused', reason: 'no-such-token' })
      if (found.clientId !== clientId) return record({ outcome: 'refused', reason: 'token-of-another-client' })
      if (isSystemToken(found)) return end(record({ outcome: 'revoked' }), () => store.delete(systemTokens, found.jti))
      const { accountId, grantId } = found
      // Read before it is deleted: the audit trail says whose access ends.
      const grant = await findGrant(store, found)
      reached('revocation:found')
      const recorded = record({ outcome: 'revoked', ...(grant ? partiesOf(grant) : {}), accountId, grantId })
      await end(recorded, () => store.delete(engineKind('Grant'), grantId))
      reached('revocation:committed')
    }
  }
}

/**
 * Recorded first: nothing ends that the trail does not know of. But a store that is too full for a record still lets go of what
 * is revoked (F8): then it ends all the same, and whoever is told 503 asks again, which is recorded.
 */
async function end(recorded: Promise<void>, remove: () => Promise<void>): Promise<void> {
  try {
    await recorded
  } catch (fault) {
    await remove()
    throw fault
  }
  reached('revocation:audited')
  await remove()
}
