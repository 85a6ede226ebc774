/**
 * What the engine's public API can't do, in one place; test/unit/oidc/patches.test.ts
 * holds each against the pinned version. A release that changes one of these
 * shows there first.
 */
import type { IncomingMessage } from 'node:http'
import type Provider from 'oidc-provider'
import type { JWKS } from 'oidc-provider'
import initializeKeystore from 'oidc-provider/lib/helpers/initialize_keystore.js'
import { newIdBeside } from '../store/slot.ts'

/** What Keyward keeps on a Grant besides what the engine does. */
export interface GrantContext {
  /** FHIR server id; absent at Keyward's own sign-in. */
  fhirServer?: string
  launchContext?: { patient?: string; encounter?: string }
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

/** Tokens and codes name their kind, for leak scanners and so that none passes as another, and lie in the slot of their Grant. */
export function nameTokens(provider: Provider): void {
  const prefixes = [
    [provider.AccessToken, 'kw_at_'],
    [provider.RefreshToken, 'kw_rt_'],
    [provider.AuthorizationCode, 'kw_ac_']
  ] as const
  for (const [model, prefix] of prefixes) {
    const original: unknown = Reflect.get(model.prototype, 'generateTokenId')
    if (typeof original !== 'function') throw new Error('the engine has no generateTokenId: see patches.ts')
    Object.defineProperty(model.prototype, 'generateTokenId', {
      value(this: { grantId?: string }) {
        // The engine's own also settles the token's format.
        Reflect.apply(original, this, [])
        return newIdBeside(this.grantId ?? '', prefix)
      }
    })
  }
}

/**
 * The engine reads its keys once, when it is made. This is what it reads them with: from here on it publishes these and signs
 * with the first. Keys that it can't use leave it as it was.
 */
export function replaceKeys(provider: Provider, jwks: JWKS): void {
  Reflect.apply(initializeKeystore, provider, [jwks])
}

/**
 * Hands the engine a form whose body has been read already, as if it were still
 * to come: its own way for that is a warning on the console.
 */
export function replayBody(req: IncomingMessage, body: Buffer): void {
  req.headers['content-length'] = String(body.length)
  Object.defineProperties(req, {
    readable: { value: true },
    iterator: {
      value: async function* () {
        yield body
      }
    }
  })
}
