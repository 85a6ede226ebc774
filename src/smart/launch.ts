/**
 * Launch contexts: what an EHR says of the moment in which it opens an app, kept
 * behind a handle that one authorization request may redeem. Who may create
 * one is decided in launch-routes.ts.
 *
 * SMART App Launch 2.2, "EHR launch"
 */
import { hash } from 'node:crypto'
import { reached } from '../observability/steps.ts'
import type { Fence } from '../store/fence.ts'
import { newTaggedId } from '../store/slot.ts'
import type { Kind, Store } from '../store/store.ts'
import type { LaunchContext } from './launch-context.ts'

export interface Launch {
  /** The app that it is for. */
  clientId: string
  /** The id of the FHIR server that it speaks of. */
  fhirServer: string
  context: LaunchContext
  /** The fhirUser who must be the one signed in, as `Practitioner/lee`; undefined: whoever is. */
  user?: string
  /** When `user` was stated under a signature that counts, in epoch milliseconds: it is signed in by that. */
  statedAt?: number
  /** The client that created it. */
  ehr: string
  /** Epoch milliseconds until which it may be redeemed. */
  redeemBy: number
  /** The code challenge of the request that redeemed it, random per request (RFC 7636 §4.1), and the browser: a reload is not a replay. */
  redeemedWith?: string
  redeemedIn?: string
}

const launches: Kind<Launch> = { name: 'launch' }

/** How long an EHR's user has until the app asks for authorization, in seconds. */
export const REDEEM_WITHIN = 300
/** How long the context of a redeemed launch is kept, while its user signs in and decides. */
const KEEP_FOR = 2 * 60 * 60

export interface Launches {
  create(launch: Omit<Launch, 'redeemBy' | 'redeemedWith' | 'redeemedIn'>): Promise<string>
  /** Binds a handle to an authorization request. Undefined: unknown, late, someone else's, or redeemed by another request. */
  redeem(handle: string, by: Redeemer): Promise<Launch | undefined>
  /** What a handle is for that nobody has redeemed yet. */
  open(handle: string): Promise<Launch | undefined>
  /** Makes a handle good again, for the request that has redeemed it and could not go on where it was. */
  giveBack(handle: string, codeChallenge: string): Promise<boolean>
  /** The context of a handle that this request has redeemed. */
  redeemed(handle: string, codeChallenge: string): Promise<Launch | undefined>
}

interface Redeemer {
  clientId: string
  fhirServer: string
  codeChallenge: string
  /** What this browser alone has, by a cookie: who has only seen the request has it not. */
  browser: string
}

interface Deps {
  store: Store
  fence: Fence
  now: () => number
}

export function createLaunches({ store, fence, now }: Deps): Launches {
  return {
    async create(launch) {
      const handle = newTaggedId()
      const redeemBy = now() + REDEEM_WITHIN * 1000
      await store.put(launches, handle, { ...launch, redeemBy }, { expiresAt: now() + KEEP_FOR * 1000 })
      return handle
    },
    async redeem(handle, { clientId, fhirServer, codeChallenge, browser }) {
      const redeemedIn = hash('sha256', browser, 'base64url')
      const redeemed = await store.update(launches, handle, (launch) => {
        if (launch.clientId !== clientId || launch.fhirServer !== fhirServer) return undefined
        if (launch.redeemedWith !== undefined)
          return launch.redeemedWith === codeChallenge && launch.redeemedIn === redeemedIn ? launch : undefined
        return launch.redeemBy > now() ? { ...launch, redeemedWith: codeChallenge, redeemedIn } : undefined
      })
      if (redeemed) reached('redemption:bound')
      // Its redemption by another request may be what the store has forgotten.
      return redeemed && redeemed.redeemBy - REDEEM_WITHIN * 1000 >= fence.notBefore() ? redeemed : undefined
    },
    async open(handle) {
      const launch = await store.get(launches, handle)
      return launch && launch.redeemedWith === undefined && launch.redeemBy > now() ? launch : undefined
    },
    async giveBack(handle, codeChallenge) {
      const given = await store.update(launches, handle, ({ redeemedWith, redeemedIn: _browser, ...launch }) =>
        redeemedWith === codeChallenge ? launch : undefined
      )
      return given !== undefined
    },
    async redeemed(handle, codeChallenge) {
      const launch = await store.get(launches, handle)
      return launch?.redeemedWith === codeChallenge ? launch : undefined
    }
  }
}
