/** What a web app keeps of each browser, on its server: the browser holds no more than a random name for it. */
import { randomBytes } from 'node:crypto'

export interface Sessions<Value> {
  find(id: string | undefined): Value | undefined
  /** Under a new name: the one that the browser had before is worth nothing. The answer is the header that tells the browser. */
  start(before: string | undefined, value: Value): string
  /** As `start`, of what is there already. */
  set(id: string, value: Value): void
  end(id: string | undefined): void
}

/** More than anybody opens in a demo; then the oldest goes. */
const most = 1000

export function createSessions<Value>({ cookieName, path }: { cookieName: string; path: string }): Sessions<Value> {
  const kept = new Map<string, Value>()
  return {
    find: (id) => (id === undefined ? undefined : kept.get(id)),
    start(before, value) {
      if (before !== undefined) kept.delete(before)
      const [oldest] = kept.keys()
      if (kept.size >= most && oldest !== undefined) kept.delete(oldest)
      const id = randomBytes(32).toString('base64url')
      kept.set(id, value)
      return `${cookieName}=${id}; Path=${path}; HttpOnly; SameSite=Lax`
    },
    set(id, value) {
      if (kept.has(id)) kept.set(id, value)
    },
    end: (id) => void (id !== undefined && kept.delete(id))
  }
}
