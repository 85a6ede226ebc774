/**
 * The people who can sign in, as they are stored. Proving that somebody is one
 * of them is the business of sign-in.ts and second-factor.ts.
 *
 * An account lies under its `sub`; its user name is a record of its own that
 * points to it and is unique because it is only ever created, never overwritten.
 */
import { randomBytes } from 'node:crypto'
import type { AccountConfig, Person, Role } from '../config/config.ts'
import type { Kind, Store } from '../store/store.ts'
import type { Passwords } from './password.ts'
import { readTotpSecret } from './totp.ts'
import { normalizeUsername } from './username.ts'

export interface Account {
  /** 128 random bits, never reused and never the user name. */
  sub: string
  /** As it was first written; compared by `normalizeUsername`. */
  username: string
  name: string
  /** A developer registers apps (developer/) and has no record to share. */
  role: Role
  passwordHash: string
  totp?: Totp
  people: Person[]
  disabled: boolean
  createdAt: number
}

interface Totp {
  /** Base32. */
  secret: string
  /** The latest time step whose code was accepted; 0: none yet. */
  lastStep: number
  /** False while the person has been shown the key but has given no code made with it. */
  confirmed: boolean
}

export interface Accounts {
  find(sub: string): Promise<Account | undefined>
  findByUsername(typed: string): Promise<Account | undefined>
  /** Whose `fhirUser` this is at a FHIR server. Of accounts that the configuration has named since this is kept. */
  findByFhirUser(fhirServer: string, fhirUser: string): Promise<Account | undefined>
  /** The account with this user name, made where there is none. An existing one is left as it is. */
  createIfAbsent(config: AccountConfig): Promise<Account>
  setDisabled(sub: string, disabled: boolean): Promise<void>
  /** `Store.update` on an account: atomic; undefined where it is absent or `change` leaves it alone. */
  update(sub: string, change: (current: Account) => Account | undefined): Promise<Account | undefined>
}

const ACCOUNT: Kind<Account> = { name: 'account' }
const USERNAME: Kind<{ sub: string }> = { name: 'username', guessable: true }

const FHIR_USER: Kind<{ sub: string }> = { name: 'fhir-user', guessable: true }

interface Deps {
  store: Store
  passwords: Passwords
  now: () => number
}

export function createAccounts({ store, passwords, now }: Deps): Accounts {
  const find = async (sub: string) => (await store.view(ACCOUNT, sub))?.record

  const findByUsername = async (typed: string) => {
    const pointer = await store.get(USERNAME, normalizeUsername(typed))
    // An unknown name costs the same two reads as a known one.
    return find(pointer?.sub ?? newSub())
  }

  /** The first account that has one has it: nobody takes it over. */
  const keepFhirUsers = async ({ sub, people }: Account): Promise<void> => {
    for (const { fhirServer, fhirUser } of people) {
      const id = fhirUserId(fhirServer, fhirUser)
      if (!(await store.get(FHIR_USER, id))) await store.create(FHIR_USER, id, { sub })
    }
  }

  return {
    find,
    findByUsername,

    async findByFhirUser(fhirServer, fhirUser) {
      const pointer = await store.get(FHIR_USER, fhirUserId(fhirServer, fhirUser))
      const account = pointer && (await find(pointer.sub))
      return account?.people.some((one) => one.fhirServer === fhirServer && one.fhirUser === fhirUser) ? account : undefined
    },

    async createIfAbsent(config) {
      const existing = await findByUsername(config.username)
      if (existing) {
        await keepFhirUsers(existing)
        return existing
      }
      const account = await newAccount(config, passwords, now())
      // The name first, then the account under the `sub` that the name points to. Whoever finds a name without
      // its account, after a crash or in a race, completes it: a half-made account never blocks its name.
      await store.create(USERNAME, normalizeUsername(config.username), { sub: account.sub })
      const pointer = await store.get(USERNAME, normalizeUsername(config.username))
      const sub = pointer?.sub ?? account.sub
      await store.create(ACCOUNT, sub, { ...account, sub })
      const stored = await find(sub)
      if (!stored) throw new Error('an account is absent right after it was created')
      await keepFhirUsers(stored)
      return stored
    },

    async setDisabled(sub, disabled) {
      const changed = await store.update(ACCOUNT, sub, (current) => ({ ...current, disabled }))
      if (!changed) throw new Error('there is no such account')
    },

    update: (sub, change) => store.update(ACCOUNT, sub, change)
  }
}

/** A FHIR server's id has no slash. */
function fhirUserId(fhirServer: string, fhirUser: string): string {
  return `${fhirServer}/${fhirUser}`
}

function newSub(): string {
  return randomBytes(16).toString('base64url')
}

async function newAccount(config: AccountConfig, passwords: Passwords, createdAt: number): Promise<Account> {
  return {
    sub: newSub(),
    username: config.username,
    name: config.name,
    role: config.role,
    passwordHash: await passwords.hash(config.password),
    ...(config.totp ? { totp: { secret: readTotpSecret(config.totp), lastStep: 0, confirmed: true } } : {}),
    people: config.people,
    disabled: false,
    createdAt
  }
}
