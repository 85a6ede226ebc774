/** Accounts on an embedded store in memory, with a clock that a test moves. */
import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { type Account, type Accounts, createAccounts } from '../../../src/accounts/accounts.ts'
import type { Hashing } from '../../../src/accounts/hashing.ts'
import { createPasswords, type Passwords } from '../../../src/accounts/password.ts'
import { createSecondFactor, type SecondFactor } from '../../../src/accounts/second-factor.ts'
import { createSignIn, type SignIn } from '../../../src/accounts/sign-in.ts'
import type { AccountConfig, Config } from '../../../src/config/config.ts'
import { createSealer } from '../../../src/keys/sealing.ts'
import { createFence, type RaisableFence } from '../../../src/store/fence.ts'
import { openDriver } from '../../../src/store/open-store.ts'
import { createStore } from '../../../src/store/sealed-store.ts'
import type { Store } from '../../../src/store/store.ts'
import { createAttempts } from '../../../src/web/attempts.ts'

export const PASSWORD = 'correct horse battery staple'
export const TOTP_SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'

export const MARIA: AccountConfig = {
  username: 'maria',
  password: PASSWORD,
  totp: TOTP_SECRET,
  name: 'Maria Diaz',
  role: 'patient',
  people: [
    {
      fhirServer: 'clinic',
      fhirUser: 'Patient/maria',
      patients: [
        { id: 'maria', relationship: 'self', name: 'Maria Diaz', birthDate: '1984-02-29' },
        { id: 'leo', relationship: 'child', name: 'Leo Diaz', birthDate: '2018-06-15' }
      ]
    }
  ]
}

/** What one process builds on the shared store. */
export interface Replica {
  accounts: Accounts
  passwords: Passwords
  signIn: SignIn
  secondFactor: SecondFactor
}

export interface Opened extends Replica {
  store: Store
  clock: { now: number }
  fence: RaisableFence
  /** How many password hashes all replicas have computed. */
  hashes(): number
  replica(): Promise<Replica>
}

interface Options {
  limits?: Partial<Config['limits']>
  policy?: Config['secondFactor']
  queueLength?: number
  hashing?: Hashing
}

export async function openAccounts({ limits, policy, queueLength = 1000, hashing }: Options = {}): Promise<Opened> {
  // Ten seconds into a time step, so that codes of neighbouring steps are told apart.
  const clock = { now: 1_800_000_010_000 }
  const now = () => clock.now
  const driver = await openDriver('sqlite::memory:', { now })
  const store = createStore({ driver, sealer: createSealer([{ id: 1, key: randomBytes(32) }]), lookupKey: randomBytes(32), now })
  onTestFinished(() => store.close())
  const fence = createFence()
  const allLimits = { window: 900, passwordsPerAccount: 5, codesPerAccount: 5, signInsPerAddress: 10_000, ...limits }
  let computed = 0

  const replica = async (): Promise<Replica> => {
    const passwords = await createPasswords({
      ...(hashing && { hashing }),
      queueLength,
      onHash: () => {
        computed += 1
      }
    })
    const accounts = createAccounts({ store, passwords, now })
    const attempts = createAttempts({ store, window: allLimits.window * 1000 })
    return {
      accounts,
      passwords,
      signIn: createSignIn({ accounts, passwords, attempts, limits: allLimits }),
      secondFactor: createSecondFactor({
        accounts,
        fence,
        attempts,
        lasting: createAttempts({ store, window: 1e12 }),
        policy: policy ?? { patients: 'required', clinicians: 'required', developers: 'required' },
        limits: allLimits,
        organizationName: 'Sample Clinic',
        now
      })
    }
  }
  return { ...(await replica()), store, clock, fence, hashes: () => computed, replica }
}

export async function accountOf(accounts: Accounts, sub: string): Promise<Account> {
  const account = await accounts.find(sub)
  if (!account) throw new Error(`no account ${sub}`)
  return account
}
