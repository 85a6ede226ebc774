/**
 * What the engine's public API can't do, in one place; test/unit/oidc/patches.test.ts
 * holds each against the pinned version. A release that changes one of these
 * shows there first.
 */
import type Provider from 'oidc-provider'
import type { JWKS } from 'oidc-provider'
import initializeKeystore from 'oidc-provider/lib/helpers/initialize_keystore.js'
import type { LaunchContext } from '../smart/launch-context.ts'
import { newIdBeside } from '../store/slot.ts'

/** What Keyward keeps on a Grant besides what the engine does. */
export interface GrantContext {
  /** FHIR server id; absent at Keyward's own sign-in. */
  fhirServer?: string
  launchContext?: LaunchContext
  /** The consent that it was made from, and the patient of that consent's key. */
  consentId?: string
  consentPatient?: string
}

const GRANT_MEMBERS = ['fhirServer', 'launchContext', 'consentId', 'consentPatient'] as const satisfies (keyof GrantContext)[]

/** The Grant is the one record that code exchange, refresh and introspection all load: context kept there can't get lost. */
export function keepContextOnGrants(provider: Provider): void {
  const members: string[] = [...inPayload(provider.Grant), ...GRANT_MEMBERS]
  Object.defineProperty(provider.Grant, 'IN_PAYLOAD', { get: () => members })
}

function inPayload(model: object): string[] {
  const members: unknown = Reflect.get(model, 'IN_PAYLOAD')
  if (!Array.isArray(members)) throw new Error('the engine has no IN_PAYLOAD: see patches.ts')
  return members
}

/** Codes name their kind, as tokens do, for leak scanners and so that none passes as another, and lie in the slot of their Grant. */
export function nameCodes({ AuthorizationCode }: Provider): void {
  nameRecords(AuthorizationCode, 'kw_ac_')
}

/** From here on the ids of a model's records begin with this. */
export function nameRecords(model: { prototype: object }, prefix: string): void {
  const original: unknown = Reflect.get(model.prototype, 'generateTokenId')
  if (typeof original !== 'function') throw new Error('the engine has no generateTokenId: see patches.ts')
  Object.defineProperty(model.prototype, 'generateTokenId', {
    value(this: { grantId?: string }) {
      // The engine's own also settles the format of an access token.
      Reflect.apply(original, this, [])
      return newIdBeside(this.grantId ?? '', prefix)
    }
  })
}

/**
 * The engine reads its keys once, when it is made. This is what it reads them with: from here on it publishes these and signs
 * with the first. Keys that it can't use leave it as it was.
 */
export function replaceKeys(provider: Provider, jwks: JWKS): void {
  Reflect.apply(initializeKeystore, provider, [jwks])
}
