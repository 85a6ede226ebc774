/**
 * From a code or refresh token that is good to the answer: one audit record, then
 * one commit that spends it and stores what comes of it, all or none. Where the record can't be written
 * nothing is spent; of several requests with the same token one commits, and what
 * becomes of the others is told here too.
 */
import type { AuditEvent } from '../../audit/event.ts'
import type { AuditTrail } from '../../audit/trail.ts'
import type { Config } from '../../config/config.ts'
import { reached } from '../../observability/steps.ts'
import { splitScope } from '../../smart/scope-policy.ts'
import { contextMembers } from '../../smart/token-response.ts'
import type { Store, Write } from '../../store/store.ts'
import type { Access } from '../access.ts'
import { engineKind } from '../engine-records.ts'
import type { AccessTokenValues } from '../jwt-access-tokens.ts'
import { partiesOf, type TokenRequest } from './grant.ts'
import { renewalOf } from './grant-renewal.ts'
import type { IdTokens } from './id-token.ts'
import { type AccessToken, accessTokens, type RefreshToken, refreshTokens, type Source, type Stored, storing } from './records.ts'
import { invalidGrant } from './refusal.ts'

interface Issue {
  request: TokenRequest
  /** Of what the tokens come, and what it is worth now. */
  source: Source
  access: Access
  /** The write that spends it. */
  spent: Write
  accessToken: Stored<AccessToken>
  refreshToken?: Stored<RefreshToken> | undefined
}

/** What an answer says: made now, or once more. */
interface Answer {
  /** Its id: what the app gets may be another form of it. */
  access_token: string
  /** Of the access token, in seconds. */
  iat?: number | undefined
  exp: number
  refresh_token?: string | undefined
  scope?: string | undefined
}

export interface Issuing {
  /** Undefined where another request was first: then nothing has been written but the audit record. */
  issue(what: Issue): Promise<Record<string, unknown> | undefined>
  /** The same tokens once more. */
  repeat(about: Pick<Issue, 'request' | 'source' | 'access'>, given: Answer): Promise<Record<string, unknown>>
  /** Who comes second with a code or refresh token at the same time ends what the first one got: which of them was the app, nobody can tell. */
  withdraw(about: Pick<Issue, 'request' | 'access'>): Promise<never>
}

interface Deps {
  store: Store
  audit: AuditTrail
  idTokens: IdTokens
  accessTokenValues: Pick<AccessTokenValues, 'ofPerson'>
  lifetimes: Config['lifetimes']
  now: () => number
}

type TokenEvent = Extract<AuditEvent, { type: 'token' }>

export function createIssuing({ store, audit, idTokens, accessTokenValues, lifetimes, now }: Deps): Issuing {
  function record(
    { request, access }: Pick<Issue, 'request' | 'access'>,
    event: Partial<TokenEvent> & Pick<TokenEvent, 'outcome'>
  ) {
    return audit.record(request.source, eventOf(request, access, event))
  }

  function answerOf(
    access: Access,
    { exp, refresh_token, scope }: Answer,
    { value, idToken, from }: { value: string; idToken: string | undefined; from: number }
  ): Record<string, unknown> {
    return {
      access_token: value,
      expires_in: exp - from,
      id_token: idToken,
      refresh_token,
      scope,
      token_type: 'Bearer',
      ...contextMembers(access.grant.launchContext, splitScope(scope))
    }
  }

  return {
    async issue({ request, source, access, spent, accessToken, refreshToken }) {
      const isRefresh = request.grantType === 'refresh_token'
      const { exp, scope } = accessToken.record
      const scopes = splitScope(scope)
      const { id, record: about } = accessToken
      const [idToken, value] = await Promise.all([
        // Before anything is spent: what can't be signed costs the app nothing.
        idTokens.issue(source, access, scopes),
        accessTokenValues.ofPerson({ id, aud: about.aud, scope: scope ?? '', iat: about.iat, exp }, access),
        record({ request, access }, { outcome: 'issued', scopes })
      ])
      reached(isRefresh ? 'refresh:audited' : 'code:audited')
      const renewal = renewalOf(access, lifetimes, now())
      const writes = [
        spent,
        storing(accessTokens, accessToken),
        ...(refreshToken ? [storing(refreshTokens, refreshToken)] : []),
        ...(renewal ? [renewal] : [])
      ]
      if (!(await store.commit(writes))) return undefined
      reached(isRefresh ? 'refresh:committed' : 'code:committed')
      return answerOf(
        access,
        { access_token: id, exp, refresh_token: refreshToken?.id, scope },
        { value, idToken, from: about.iat }
      )
    },

    async repeat({ request, source, access }, given) {
      const scopes = splitScope(given.scope)
      const { access_token: id, exp, iat = exp, scope = '' } = given
      const [idToken, value] = await Promise.all([
        idTokens.issue(source, access, scopes),
        accessTokenValues.ofPerson({ id, aud: source.resource ?? '', scope, iat, exp }, access),
        record({ request, access }, { outcome: 'issued', reason: 'retry', scopes })
      ])
      return answerOf(access, given, { value, idToken, from: Math.floor(now() / 1000) })
    },

    async withdraw({ request, access }) {
      const event = eventOf(request, access, { outcome: 'withdrawn', reason: 'used-at-the-same-time' })
      const finish = () => store.delete(engineKind('Grant'), access.grantId)
      throw invalidGrant('used at the same time', { event, finish })
    }
  }
}

function eventOf(
  { client, grantType }: TokenRequest,
  { account, grant, grantId }: Access,
  event: Partial<TokenEvent> & Pick<TokenEvent, 'outcome'>
): TokenEvent {
  return { type: 'token', grantType, clientId: client.client_id, ...partiesOf(grant), accountId: account.sub, grantId, ...event }
}
