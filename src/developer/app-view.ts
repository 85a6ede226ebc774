/** What a developer's pages show of an app: the members of views/developer.eta and developer-app.eta. */
import { hostOf } from '../clients/clients.ts'
import type { StoredClient } from '../clients/stored-clients.ts'
import type { FhirServer } from '../config/config.ts'
import { hasSecret, mayAskForProduction } from './changes.ts'
import { DECLINE_GROUNDS } from './production.ts'

export interface Place {
  issuer: string
  fhirServers: readonly Pick<FhirServer, 'id' | 'baseUrl' | 'sandbox'>[]
  now: () => number
}

export function viewOfApp(stored: StoredClient, { issuer, fhirServers, now }: Place, lang: string): Record<string, unknown> {
  const { client, secrets, sandbox, production } = stored
  const date = new Intl.DateTimeFormat(lang, { dateStyle: 'long', timeZone: 'UTC' })
  const moment = new Intl.DateTimeFormat(lang, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
  const day = (at: number | undefined) => (at === undefined ? null : date.format(at))
  const before = secrets.find(({ until }) => until !== undefined && until > now())
  const [redirectUri = issuer] = client.redirect_uris
  return {
    clientId: client.client_id,
    name: client.client_name,
    host: hostOf(redirectUri),
    redirectUris: client.redirect_uris,
    method: client.token_endpoint_auth_method,
    scopes: client.smart_scope,
    state: client.disabled ? 'barred' : (production?.state ?? 'sandbox'),
    asked: day(production?.askedAt),
    verifyBy: day(production?.verifyBy),
    enableBy: day(production?.enableBy),
    answered: day(production?.answeredAt),
    ground: DECLINE_GROUNDS.find((ground) => ground === production?.ground) ?? null,
    reason: production?.reason ?? null,
    oldSecretUntil: before?.until === undefined ? null : `${moment.format(before.until)} UTC`,
    mayChange: sandbox && !client.disabled,
    mayRotate: hasSecret(client) && !client.disabled,
    mayAsk: mayAskForProduction(stored) && !client.disabled,
    mayDelete: !client.disabled,
    issuer,
    servers: fhirServers.filter((server) => !sandbox || server.sandbox === true).map(({ baseUrl }) => baseUrl)
  }
}
