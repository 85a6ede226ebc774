/**
 * An EHR's signed statement of who its user is, by which its user is signed in: an
 * assertion by an issuer that the EHR's registration trusts, with the rules of a client's own assertions, and
 * good once. Who that is here, and what such a sign-in is worth, is decided in oidc/stated-users.ts.
 *
 * RFC 7523 §3
 */
import { KeyObject } from 'node:crypto'
import type { ClientConfig, FhirServer } from '../config/config.ts'
import { fhirUserReference } from '../config/fields.ts'
import type { Fence } from '../store/fence.ts'
import type { Kind, Store } from '../store/store.ts'
import { readStatement, type Statement } from './assertion.ts'
import type { ClientKeys } from './client-keys.ts'
import { isSignedBy } from './compact-jws.ts'

/** `fhirUser` is relative to the FHIR server; `at` is in epoch milliseconds. */
export type UserStatement = { ok: true; fhirUser: string; at: number } | { ok: false; description: string }

export interface UserStatements {
  verify(ehr: ClientConfig, written: string, fhirServer: string): Promise<UserStatement>
}

interface Deps {
  issuer: string
  fhirServers: readonly FhirServer[]
  store: Pick<Store, 'create'>
  keys: ClientKeys
  fence: Fence
  now: () => number
}

const used: Kind<Record<string, never>> = { name: 'user-assertion' }

export function createUserStatements({ issuer, fhirServers, store, keys, fence, now }: Deps): UserStatements {
  /** Of iss and jti as one text that no other pair makes. */
  function markUsed({ issuer: by, jti, acceptedUntil }: Statement): Promise<boolean> {
    return store.create(used, `${by.length}:${by}:${jti}`, {}, { expiresAt: acceptedUntil })
  }

  function fhirUserIn({ claims }: Statement, at: string): string | undefined {
    const base = fhirServers.find(({ id }) => id === at)?.baseUrl
    const said = claims.get('fhirUser')
    if (typeof said !== 'string' || base === undefined) return undefined
    const relative = said.startsWith(`${base}/`) ? said.slice(base.length + 1) : said
    return fhirUserReference.safeParse(relative).success ? relative : undefined
  }

  return {
    async verify(ehr, written, fhirServer) {
      const trusted = ehr.user_assertion_issuers ?? []
      const statement = readStatement(written, { audiences: [issuer], now: now() }, ({ issuer: by }) =>
        trusted.some((one) => one.issuer === by)
      )
      if (statement === undefined) return refused('iss must be an issuer that this EHR is registered with, and sub its user')
      if (typeof statement === 'string') return refused(statement)
      const by = trusted.find((one) => one.issuer === statement.issuer)
      const key = by && (await keys.find(by.issuer === ehr.client_id ? ehr : by, statement))
      if (!(key instanceof KeyObject)) return refused('the key that kid names could not be had')
      if (!isSignedBy(key, statement)) return refused('the key that kid names does not verify it')
      const fhirUser = fhirUserIn(statement, fhirServer)
      if (fhirUser === undefined) return refused('fhirUser must be a person at that FHIR server, such as Practitioner/456')
      if (!(await markUsed(statement))) return refused('one with this jti has been used before')
      // Asked last, as for the assertions of clients.
      if (statement.issuedAt < fence.notBefore()) return refused('it was made before this server may have lost what was used')
      return { ok: true, fhirUser, at: statement.issuedAt }
    }
  }
}

function refused(description: string): UserStatement {
  return { ok: false, description }
}
