/**
 * Authentication by private_key_jwt: whose key verifies an assertion, and that
 * it was not used before. It is marked as used before anything is done for it; where
 * that can't be written, nothing is.
 *
 * SMART App Launch 2.2, "Client Authentication: Asymmetric"; RFC 7523 §3
 */
import { KeyObject } from 'node:crypto'
import type { ClientConfig } from '../config/config.ts'
import type { Fence } from '../store/fence.ts'
import type { Kind, Store } from '../store/store.ts'
import { type Assertion, readAssertion } from './assertion.ts'
import type { ClientKeys } from './client-keys.ts'
import { isSignedBy } from './compact-jws.ts'

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** `description` is told to whoever asks, `reason` to the audit trail: fixed texts both. */
export type AssertionOutcome =
  | { ok: true; client: ClientConfig }
  | { ok: false; description: string; reason: string; client?: ClientConfig }

export interface Assertions {
  check(form: Record<string, string | undefined>): Promise<AssertionOutcome>
}

interface Deps {
  issuer: string
  find(clientId: string): Promise<ClientConfig | undefined>
  store: Store
  keys: ClientKeys
  fence: Fence
  now: () => number
}

const used: Kind<Record<string, never>> = { name: 'client-assertion' }

/** The same words whatever it is: none says which clients there are. */
const NOT_VERIFIED =
  'client authentication failed: there is no such client, or its keys could not be had, or the one that kid names does not verify the assertion'

export function createAssertions({ issuer, find, store, keys, fence, now }: Deps): Assertions {
  const audiences = [`${issuer}/token`, issuer]
  /** Of iss and jti as one text that no other pair makes. */
  function markUsed({ clientId, jti, acceptedUntil }: Assertion): Promise<boolean> {
    return store.create(used, `${clientId.length}:${clientId}:${jti}`, {}, { expiresAt: acceptedUntil })
  }

  return {
    async check({ client_assertion_type: type, client_assertion: written, client_id: named }) {
      if (type !== ASSERTION_TYPE) return refused(`client_assertion_type must be ${ASSERTION_TYPE}`)
      if (written === undefined) return refused('client_assertion is missing')
      const assertion = readAssertion(written, { audiences, now: now() })
      if (typeof assertion === 'string') return refused(assertion)
      if (named !== undefined && named !== assertion.clientId) return refused('client_id is not the client of the assertion')
      const client = await find(assertion.clientId)
      if (!client) return refused(NOT_VERIFIED, 'unknown-client')
      if (client.token_endpoint_auth_method !== 'private_key_jwt') return refused(NOT_VERIFIED, 'other-method-registered', client)
      const { token_endpoint_auth_signing_alg: registered = assertion.alg } = client
      if (registered !== assertion.alg) return refused(NOT_VERIFIED, 'other-alg-registered', client)
      const key = await keys.find(client, assertion)
      if (!(key instanceof KeyObject)) return refused(NOT_VERIFIED, `key: ${key}`, client)
      if (!isSignedBy(key, assertion)) return refused(NOT_VERIFIED, 'wrong-signature', client)
      if (client.disabled) return refused('client authentication failed', 'client-disabled', client)
      if (!(await markUsed(assertion)))
        return refused('an assertion with this jti has been used before', 'assertion-used-before', client)
      // Asked last: the mark may be the first thing that was written to a store which has forgotten an earlier one.
      if (assertion.issuedAt < fence.notBefore())
        return refused(
          'the assertion was made before this server may have lost what was used: make a new one',
          'before-fence',
          client
        )
      return { ok: true, client }
    }
  }
}

function refused(description: string, reason = description, client?: ClientConfig): AssertionOutcome {
  return { ok: false, description, reason, ...(client ? { client } : {}) }
}
