/**
 * Which sessions are over, whatever is stored of them. The engine stores a session
 * again with each answer, at times under a new id: an answer under way would bring
 * back what somebody ends meanwhile, so the end itself is kept, under the uid. And
 * it gives each session a second at least: whoever asks often enough would keep one
 * beyond its absolute end.
 */

import { reached } from '../observability/steps.ts'
import type { Kind, Store } from '../store/store.ts'

export interface SessionEnds {
  /** Once it resolves, the session is nobody's any more, whoever still stores it. */
  end(session: { uid: string; destroy(): Promise<void> }): Promise<void>
  isOver(session: { uid?: string | undefined; loginTs?: number | undefined }): Promise<boolean>
}

interface Deps {
  store: Store
  /** Seconds from a sign-in to the end of its session. */
  lifetime: number
  now: () => number
}

const sessionEnds: Kind<{ ended: true }> = { name: 'session-end' }

export function createSessionEnds({ store, lifetime, now }: Deps): SessionEnds {
  return {
    async end(session) {
      // Twice the life that an answer under way could still give it.
      await store.put(sessionEnds, session.uid, { ended: true }, { expiresAt: now() + 2 * lifetime * 1000 })
      reached('sign-out:kept')
      await session.destroy()
    },
    async isOver({ uid, loginTs }) {
      if (uid === undefined || (loginTs !== undefined && (loginTs + lifetime) * 1000 <= now())) return true
      return (await store.get(sessionEnds, uid)) !== undefined
    }
  }
}
