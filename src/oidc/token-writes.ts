/**
 * The writes of one token request. The engine writes as it goes along: spends the
 * code or the refresh token, stores the new tokens. Here they are collected and
 * committed by one function, all or none, so that nothing is spent for an
 * answer that never leaves, and of two requests at once one wins.
 */
import type { AdapterPayload } from 'oidc-provider'
import type { Kind, PutOptions, Store, Version, Write } from '../store/store.ts'

export interface TokenWrites {
  /** A record that was read, so that it can be spent as it was. */
  read(kind: Kind<AdapterPayload>, id: string, record: AdapterPayload, version: Version): void
  spend(kind: Kind<AdapterPayload>, id: string, when: number): void
  put(kind: Kind<AdapterPayload>, id: string, record: AdapterPayload, options: PutOptions & { ifVersion?: Version }): void
  /** What will be written; empty where the request issued nothing. */
  readonly pending: readonly Write<AdapterPayload>[]
}

export function collectTokenWrites(): TokenWrites {
  const seen = new Map<string, { record: AdapterPayload; version: Version }>()
  const pending: Write<AdapterPayload>[] = []
  const name = (kind: Kind<AdapterPayload>, id: string): string => `${kind.name} ${id}`
  return {
    pending,
    read: (kind, id, record, version) => void seen.set(name(kind, id), { record, version }),
    put: (kind, id, record, options) => void pending.push({ kind, id, record, ...options }),
    spend(kind, id, when) {
      const found = seen.get(name(kind, id))
      if (!found) throw new Error(`a ${kind.name} is spent that this request has not read`)
      const { record, version } = found
      pending.push({
        kind,
        id,
        record: { ...record, consumed: Math.floor(when / 1000) },
        ifVersion: version,
        ...(record.exp === undefined ? {} : { expiresAt: record.exp * 1000 })
      })
    }
  }
}

/** False where another request has spent the same code or refresh token meanwhile: nothing is written then. */
export async function commitTokenWrites(store: Store, { pending }: TokenWrites): Promise<boolean> {
  return pending.length === 0 || store.commit([...pending])
}
