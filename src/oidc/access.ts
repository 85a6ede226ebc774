/**
 * Whether a token is still worth anything, and what: asked at every refresh and
 * every introspection. The Grant must be there, and the consent that it was made
 * from must still be the same; account and client must be in use; a token that
 * lives by its session dies with it.
 */
import type { AdapterPayload } from 'oidc-provider'
import type { Account, Accounts } from '../accounts/accounts.ts'
import type { Clients } from '../clients/clients.ts'
import type { ClientConfig, FhirServer } from '../config/config.ts'
import { isApproved } from '../consent/approved.ts'
import type { Consent, Consents } from '../consent/consents.ts'
import { isOpenTo } from '../smart/fhir-servers.ts'
import { scopesForPerson } from '../smart/person-policy.ts'
import { lasts, splitScope, stillPermitted } from '../smart/scope-policy.ts'
import type { Store, Version } from '../store/store.ts'
import { engineKind } from './engine-records.ts'
import type { GrantContext } from './patches.ts'

type GrantRecord = GrantContext &
  Omit<AdapterPayload, 'openid' | 'exp'> & {
    openid?: { scope?: string | undefined } | undefined
    exp?: number | undefined
  }

export interface Access {
  grantId: string
  grant: GrantRecord
  /** Of the Grant as it was read. */
  version: Version
  account: Account
  client: ClientConfig
  /** Of the token's, those that consent, registration, FHIR server and person still allow. */
  scopes: readonly string[]
}

export interface AccessCheck {
  /**
   * What an access or refresh token gives at this moment; undefined: nothing. `asker` is the client of this very request, if
   * it is known: it has just been read, and is not read again.
   */
  of(token: TokenFacts, asker?: ClientConfig): Promise<Access | undefined>
}

interface TokenFacts {
  /** The engine's name for what kind of token it is. */
  kind?: string | undefined
  grantId?: string | undefined
  accountId?: string | undefined
  clientId?: string | undefined
  sessionUid?: string | undefined
  scope?: string | undefined
}

interface Deps {
  store: Store
  accounts: Accounts
  clients: Clients
  consents: Consents
  fhirServers: readonly FhirServer[]
  sessionExists(uid: string, accountId: string): Promise<boolean>
}

const grants = engineKind('Grant')

interface Standing {
  account: Account
  client: ClientConfig
  consent: Consent
  fhirServer: FhirServer
  patient?: string | undefined
}

/**
 * What consent, registration, FHIR server and person leave of a scope. Worked out once for the same records: the store gives the
 * same frozen one as long as its bytes are the same.
 */
function rememberedScopes(): (standing: Standing) => (text: string | undefined) => readonly string[] {
  const known = new WeakMap<Consent, { about: Standing; scopes: Map<string, readonly string[]> }>()
  return (about) => {
    const { account, client, consent, fhirServer, patient } = about
    const before = known.get(consent)
    const isSame = before?.about.account === account && before.about.client === client && before.about.patient === patient
    const { scopes } = isSame ? before : { scopes: new Map<string, readonly string[]>() }
    if (!isSame) known.set(consent, { about, scopes })
    return (text = '') => {
      const found = scopes.get(text)
      if (found) return found
      const left = stillPermitted(splitScope(text), consent.granted, splitScope(client.smart_scope), fhirServer.enforces)
      const made = Object.freeze(scopesForPerson(account, { fhirServer, patient }, left))
      if (scopes.size < MOST_SCOPES) scopes.set(text, made)
      return made
    }
  }
}

/** Different scopes under one consent: as many as an app narrows to. */
const MOST_SCOPES = 20

export function createAccessCheck({ store, accounts, clients, consents, fhirServers, sessionExists }: Deps): AccessCheck {
  const standingScopes = rememberedScopes()
  return {
    async of({ kind, grantId, accountId, clientId, sessionUid, scope }, asker) {
      if (!grantId || !accountId || !clientId) return undefined
      const [found, account, client] = await Promise.all([
        store.view(grants, grantId),
        accounts.find(accountId),
        asker?.client_id === clientId ? asker : clients.find(clientId)
      ])
      const grant: GrantRecord | undefined = found?.record
      if (!found || !grant?.fhirServer || grant.accountId !== accountId || grant.clientId !== clientId) return undefined
      const { fhirServer, consentId, consentPatient: patient } = grant
      const consent = await consents.behind({ accountId, clientId, fhirServer, patient, consentId })
      if (!account || account.disabled || !client || client.disabled) return undefined
      if (!consent) return undefined
      // An approval that was taken back: nobody else has allowed anything.
      if (consent.by === 'organization' && !isApproved({ account, client })) return undefined
      const server = fhirServers.find(({ id }) => id === fhirServer)
      if (!server || !isOpenTo(server, client)) return undefined
      const permitted = standingScopes({ account, client, consent, fhirServer: server, patient: grant.launchContext?.patient })
      const standing = permitted(grant.openid?.scope)
      // Coming back may have been refused since: whatever else stands, a refresh token is worth nothing then.
      if (kind === 'RefreshToken' && !lasts(standing)) return undefined
      if (livesBySession(standing) && !(sessionUid && (await sessionExists(sessionUid, accountId)))) return undefined
      return {
        grantId,
        grant,
        version: found.version,
        account,
        client,
        scopes: scope === grant.openid?.scope ? standing : permitted(scope)
      }
    }
  }
}

/** `online_access`, unless `offline_access` outlives it. SMART App Launch 2.2, "Scopes for requesting a refresh token" */
function livesBySession(scopes: readonly string[]): boolean {
  return scopes.includes('online_access') && !scopes.includes('offline_access')
}
