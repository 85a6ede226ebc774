/** The sample clinic for one test file: all its servers on free ports, in a folder of its own that is removed at the end. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { generate } from 'otplib'
import { type Clinic, startClinic } from '../../demo/clinic.ts'
import type { SampleAccount } from '../../demo/directory.ts'
import { namedPorts, servers } from '../../demo/placement.ts'
import { freePorts } from '../harness/free-port.ts'

export interface ClinicUnderTest extends Clinic {
  account(username: string): SampleAccount
  /** The next unused code of an authenticator app: each time step's code is good once. */
  codeFor(secret: string): Promise<string>
}

const STEP = 30_000

export async function startClinicUnderTest(store?: string): Promise<ClinicUnderTest> {
  const dataDir = mkdtempSync(join(tmpdir(), 'keyward-clinic-'))
  const clinic = await startClinic({ dataDir, store, ports: namedPorts(await freePorts(servers.length)) })
  const used = new Map<string, number>()
  return {
    ...clinic,
    account(username) {
      const found = clinic.accounts.find((account) => account.username === username)
      if (!found) throw new Error(`the sample clinic has no account ${username}`)
      return found
    },
    async codeFor(secret) {
      const now = () => Math.floor(Date.now() / STEP)
      const step = Math.max((used.get(secret) ?? 0) + 1, now())
      // The code of the step to come is taken already; a later one has to be waited for.
      while (step > now() + 1) await wait(200)
      used.set(secret, step)
      return generate({ secret, epoch: (step * STEP) / 1000 })
    },
    async stop() {
      await clinic.stop()
      rmSync(dataDir, { recursive: true, force: true })
    }
  }
}
