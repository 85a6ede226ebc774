/** What the bench has found, before it is put into words, and which lines miss their bar. */
import type { DuringSignIns } from './during-sign-ins.ts'
import type { Operation } from './operations.ts'
import type { Profile } from './profile.ts'
import { type Round, ratiosOf, type Spread } from './readings.ts'

export interface Results {
  conditions: Conditions
  operations: Measured[]
  duringSignIns?: DuringSignIns
  growth?: { tokens: number; name: string }[]
  growthRounds?: Round[]
  bytes?: { keyward: SideBytes; stock: SideBytes }
  profiles: { title: string; profile: Profile }[]
}

export interface Conditions {
  machine: string
  node: string
  redis: string
  engine: string
  pairs: number
  tokens: number
  mostOthers: number
  minutes: number
}

export interface Measured {
  operation: Operation
  rounds: Round[]
  discarded: number
}

export interface SideBytes {
  /** Of an access token with the Grant under it and everything that finds it. */
  tokenAndGrant: number
  refreshTokenAndGrant: number
  /** What else there is of a person who allowed an app something: account, user name, consent. */
  person: number
  kinds: Map<string, number>
}

/** How much longer the slowest counted pair may take than stock, where the median has to be equal. */
const WORST_PAIR = 0.9
export const BARS = { duringSignIns: 1.5, growth: 1.2 }

/** Stock's time divided by Keyward's. */
export const speedOf = ({ rounds }: Measured): Spread => ratiosOf(rounds, 'stock', 'keyward', ({ micros }) => micros)

export function meetsBar(measured: Measured): boolean {
  const { median, min } = speedOf(measured)
  const { bar } = measured.operation
  return median >= bar && min >= Math.min(bar, WORST_PAIR)
}

/** Each size's time divided by the smallest one's. */
export function growthOf({ growth = [], growthRounds = [] }: Results): { tokens: number; ratio: Spread }[] {
  const [first, ...rest] = growth
  return rest.map(({ tokens, name }) => ({
    tokens,
    ratio: ratiosOf(growthRounds, name, first?.name ?? '', ({ micros }) => micros)
  }))
}
