/**
 * Keeps a Grant in use alive: sliding refresh tokens have no absolute end, so
 * neither may the Grant under them. Written seldom, and only over the Grant that
 * was read: one that was revoked meanwhile stays gone.
 */
import type { Config } from '../../config/config.ts'
import { lasts, splitScope } from '../../smart/scope-policy.ts'
import type { Write } from '../../store/store.ts'
import type { Access } from '../access.ts'
import { engineKind } from '../engine-records.ts'
import { grantLifetime } from '../lifetimes.ts'
import { refreshLifetimes } from './refresh-lifetimes.ts'

export function renewalOf(
  { client, grant, grantId, version }: Access,
  configured: Config['lifetimes'],
  now: number
): Write | undefined {
  const lifetimes = { ...configured, refreshToken: refreshLifetimes(client, configured).lifetime }
  const scopes = splitScope(grant.openid?.scope)
  const seconds = Math.floor(now / 1000)
  if (!lasts(scopes) || grant.exp === undefined || grant.exp - seconds > 2 * lifetimes.refreshToken) return undefined
  const exp = seconds + grantLifetime(lifetimes, scopes)
  const renewed = { ...grant, exp }
  return {
    kind: engineKind('Grant'),
    id: grantId,
    record: renewed,
    expiresAt: exp * 1000,
    ifVersion: version
  }
}
