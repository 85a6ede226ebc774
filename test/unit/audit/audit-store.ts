/** A store in a file of its own, opened as often as a test has processes, and the engine's own view of that file. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { onTestFinished } from 'vitest'
import { openAuditTrail } from '../../../src/audit/trail.ts'
import { createSealer } from '../../../src/keys/sealing.ts'
import { openDriver } from '../../../src/store/open-store.ts'
import { createStore } from '../../../src/store/sealed-store.ts'
import type { Store } from '../../../src/store/store.ts'

export const SOURCE = { requestId: '7b1c4f0e-1111-4222-8333-944445555666', address: '192.0.2.7' }

export interface AuditFile {
  /** A new connection, as another process has it. */
  open(): Promise<Store>
  /** The same file, below sealing and hashing. */
  raw(): DatabaseSync
}

export async function newAuditFile(): Promise<AuditFile> {
  const folder = await mkdtemp(join(tmpdir(), 'keyward-audit-'))
  const file = join(folder, 'store.db')
  const sealer = createSealer([{ id: 1, key: randomBytes(32) }])
  const lookupKey = randomBytes(32)
  const closing: (() => unknown)[] = []
  onTestFinished(async () => {
    for (const close of closing) await close()
    await rm(folder, { recursive: true })
  })
  return {
    async open() {
      const driver = await openDriver(`sqlite:${file}`, { now: Date.now })
      closing.push(() => driver.close())
      return createStore({ driver, sealer, lookupKey, now: Date.now })
    },
    raw() {
      const database = new DatabaseSync(file, { timeout: 2000 })
      closing.push(() => database.close())
      return database
    }
  }
}

/** A process that comes, records `count` sign-ins, and goes. */
export async function runProcess(store: Store, count: number): Promise<void> {
  const trail = await openAuditTrail({ store, now: Date.now })
  for (let number = 1; number <= count; number++) {
    await trail.record(SOURCE, { type: 'sign-in', outcome: 'accepted', accountId: `account-${number}` })
  }
  await trail.close()
}
