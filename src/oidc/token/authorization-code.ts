/** The grant type authorization_code: a code is good once, for the client, the redirect URI and the PKCE challenge that it was made for. RFC 6749 §4.1.3, RFC 7636 §4.6 */
import { hash, timingSafeEqual } from 'node:crypto'
import type { Config } from '../../config/config.ts'
import { reached } from '../../observability/steps.ts'
import { lasts } from '../../smart/scope-policy.ts'
import type { Fence } from '../../store/fence.ts'
import type { Store } from '../../store/store.ts'
import type { AccessCheck } from '../access.ts'
import { required } from './form.ts'
import { accessHasEnded, endFamily, partiesOf, type TokenGrant } from './grant.ts'
import type { Issuing } from './issue.ts'
import { type AuthorizationCode, authorizationCodes, gtyOf, newAccessToken, newRefreshToken, spending } from './records.ts'
import { refreshLifetimes } from './refresh-lifetimes.ts'
import { invalidGrant, TokenRefusal } from './refusal.ts'
import type { Resources } from './resource.ts'

interface Deps {
  store: Store
  access: AccessCheck
  issuing: Issuing
  fence: Fence
  resources: Resources
  lifetimes: Config['lifetimes']
  now: () => number
}

/** RFC 7636 §4.1 */
const VERIFIER = /^[\w.~-]{43,128}$/

export function authorizationCodeGrant({ store, access, issuing, fence, resources, lifetimes, now }: Deps): TokenGrant {
  return async (request) => {
    const { client, grantType, values } = request
    const id = required(request, 'code')
    const redirectUri = required(request, 'redirect_uri')
    // Codes alone have this prefix: no other stored id passes as one.
    const found = id.startsWith('kw_ac_') ? await store.read(authorizationCodes, id) : undefined
    if (!found) throw invalidGrant('unknown code')
    const code = found.record
    if (code.clientId !== client.client_id) throw invalidGrant('code of another client')
    if (code.exp * 1000 <= now()) throw invalidGrant('expired code')
    const isFenced = () => code.iat * 1000 < fence.notBefore()
    if (isFenced()) throw invalidGrant('code from before the store may have lost what was spent')
    checkVerifier(values.code_verifier, code)
    if (code.redirectUri !== redirectUri)
      throw new TokenRefusal('invalid_grant', 'redirect_uri is not the one of the authorization request')
    if (code.consumed !== undefined) return endFamily(store, request, code, 'code')
    reached('code:found')

    const live = (await access.of(code, client)) ?? (await accessHasEnded(store, code))
    const audience = resources.audienceOf(code, live, request.resources)
    const making = { now: now(), gty: gtyOf(code, grantType) }
    const { scopes } = live
    if (scopes.length === 0) throw invalidGrant('nothing of what was granted stands', { parties: partiesOf(live.grant) })
    const stays = client.grant_types.includes('refresh_token') && lasts(scopes)
    const answer = await issuing.issue({
      request,
      source: code,
      access: live,
      spent: spending(authorizationCodes, { id, record: code }, found.version, Math.floor(making.now / 1000)),
      accessToken: newAccessToken(code, { ...making, lifetime: lifetimes.accessToken, scopes, ...audience }),
      refreshToken: stays ? newRefreshToken(code, { ...making, ...refreshLifetimes(client, lifetimes) }) : undefined
    })
    // The fence once more: spending it may be the first thing that was written to a store which has forgotten that it was spent.
    return answer && !isFenced() ? answer : issuing.withdraw({ request, access: live })
  }
}

function checkVerifier(verifier: string | undefined, { codeChallenge, codeChallengeMethod }: AuthorizationCode): void {
  if (verifier !== undefined && !VERIFIER.test(verifier))
    throw new TokenRefusal('invalid_request', 'code_verifier must be 43 to 128 letters, digits or any of -._~')
  const matches =
    verifier !== undefined &&
    codeChallenge !== undefined &&
    codeChallengeMethod === 'S256' &&
    isSame(hash('sha256', verifier, 'base64url'), codeChallenge)
  if (!matches)
    throw new TokenRefusal('invalid_grant', 'code_verifier does not fit the code_challenge of the authorization request')
}

function isSame(computed: string, stored: string): boolean {
  return computed.length === stored.length && timingSafeEqual(Buffer.from(computed), Buffer.from(stored))
}
