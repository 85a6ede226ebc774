/**
 * The grant type refresh_token: each token is good once, and brings its successor. RFC 6749 §6, RFC 9700 §4.14.2.
 * A token that comes again is either the retry of an app that got no answer (refresh-retry.ts), or the end of its family.
 */
import type { Config } from '../../config/config.ts'
import { reached } from '../../observability/steps.ts'
import { coveredScopes, splitScope } from '../../smart/scope-policy.ts'
import type { Store } from '../../store/store.ts'
import type { AccessCheck } from '../access.ts'
import { isScope, required } from './form.ts'
import { accessHasEnded, endFamily, partiesOf, type TokenGrant } from './grant.ts'
import type { Issuing } from './issue.ts'
import { gtyOf, newAccessToken, newRefreshToken, type RefreshToken, refreshTokens, spending } from './records.ts'
import { isOver, refreshLifetimes } from './refresh-lifetimes.ts'
import { retryOf, successorOf } from './refresh-retry.ts'
import { invalidGrant, TokenRefusal } from './refusal.ts'
import type { Resources } from './resource.ts'

interface Deps {
  store: Store
  access: AccessCheck
  issuing: Issuing
  resources: Resources
  lifetimes: Config['lifetimes']
  now: () => number
}

export function refreshTokenGrant({ store, access, issuing, resources, lifetimes, now }: Deps): TokenGrant {
  return async (request) => {
    const { client, grantType, values } = request
    const id = required(request, 'refresh_token')
    if (values.scope !== undefined && !isScope(values.scope))
      throw new TokenRefusal('invalid_scope', 'scope has characters that no scope has')
    // Refresh tokens alone have this prefix: no other stored id passes as one.
    const found = id.startsWith('kw_rt_') ? await store.read(refreshTokens, id) : undefined
    if (!found) throw invalidGrant('unknown refresh token')
    const token = found.record
    if (token.clientId !== client.client_id) throw invalidGrant('refresh token of another client')
    if (isOver(token, client, now())) throw invalidGrant('expired refresh token')
    const successor = await successorOf(store, id, token, now())
    if (token.consumed !== undefined && !successor) return endFamily(store, request, token, 'refresh-token')
    reached('refresh:found')

    const wanted = narrowed(values.scope, token)
    const live = (await access.of({ ...token, scope: wanted }, client)) ?? (await accessHasEnded(store, token))
    if (live.scopes.length === 0)
      throw new TokenRefusal('invalid_scope', 'nothing of what is asked for stands any more', { parties: partiesOf(live.grant) })
    const audience = resources.audienceOf(token, live, request.resources)
    const about = { request, source: token, access: live }
    if (successor) return issuing.repeat(about, successor)
    const making = { now: now(), gty: gtyOf(token, grantType) }
    const accessToken = newAccessToken(token, { ...making, lifetime: lifetimes.accessToken, scopes: live.scopes, ...audience })
    const refreshToken = newRefreshToken(token, { ...making, ...refreshLifetimes(client, lifetimes) })
    const retry = retryOf(id, { accessToken, refreshToken }, lifetimes.refreshRetry, making.now)
    const record = retry ? { ...token, retry } : token
    const spent = spending(refreshTokens, { id, record }, found.version, Math.floor(making.now / 1000))
    const answer = await issuing.issue({ ...about, spent, accessToken, refreshToken })
    if (answer) return answer
    // Another request was first, with the same token.
    const meanwhile = retry && (await store.get(refreshTokens, id))
    const given = meanwhile && (await successorOf(store, id, meanwhile, now()))
    return given ? issuing.repeat(about, given) : issuing.withdraw(about)
  }
}

/** RFC 6749 §6: whatever was granted covers; a person may have granted all kinds of data, and the app need one of them now. */
function narrowed(asked: string | undefined, { scope }: RefreshToken): string | undefined {
  if (asked === undefined) return scope
  const wanted = splitScope(asked)
  const held = splitScope(scope)
  if (coveredScopes(wanted, held).length < new Set(wanted).size)
    throw new TokenRefusal('invalid_scope', 'scope asks for more than the person has granted')
  return asked
}
