/**
 * Initial access tokens, RFC 7591 §3: an operator makes one for a developer, who registers one app with it. Single use, and
 * only for some days.
 */
import { randomBytes } from 'node:crypto'
import type { Fence } from '../store/fence.ts'
import type { Kind, Store } from '../store/store.ts'

export interface Invites {
  issue(): Promise<{ token: string; expiresAt: number }>
  isOpen(token: string): Promise<boolean>
  /** Of several at once one spends it. */
  spend(token: string): Promise<boolean>
}

const invites: Kind<{ issuedAt: number; expiresAt: number }> = { name: 'registration-invite' }
/** In milliseconds. */
const LIVES = 7 * 86_400_000

interface Deps {
  store: Store
  /** What was spent, a store that lost writes may show again. */
  fence: Pick<Fence, 'notBefore'>
  now: () => number
}

export function createInvites({ store, fence, now }: Deps): Invites {
  async function open(token: string) {
    const found = await store.read(invites, token)
    return found && found.record.issuedAt >= fence.notBefore() && found.record.expiresAt > now() ? found : undefined
  }
  return {
    async issue() {
      const token = `kw_iat_${randomBytes(32).toString('base64url')}`
      const expiresAt = now() + LIVES
      await store.put(invites, token, { issuedAt: now(), expiresAt }, { expiresAt })
      return { token, expiresAt }
    },
    isOpen: async (token) => (await open(token)) !== undefined,
    async spend(token) {
      const found = await open(token)
      if (!found || !(await store.commit([{ kind: invites, id: token, remove: true, ifVersion: found.version }]))) return false
      return found.record.issuedAt >= fence.notBefore()
    }
  }
}
