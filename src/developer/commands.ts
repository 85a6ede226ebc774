/** What an operator does about apps that register themselves: the commands `client invite`, `requests`, `approve` and `decline`. */
import { hash, randomUUID } from 'node:crypto'
import type { RegistrationOutcome } from '../audit/event.ts'
import type { AuditTrail } from '../audit/trail.ts'
import { hostOf } from '../clients/clients.ts'
import { createStoredClients, type StoredClient } from '../clients/stored-clients.ts'
import type { Config } from '../config/config.ts'
import type { Store } from '../store/store.ts'
import { createInvites } from './invites.ts'
import { approved, declined, isOverdue } from './production.ts'

interface Deps {
  store: Store
  config: Pick<Config, 'registration'>
  /** Opens the audit trail for one command. */
  withAuditTrail(store: Store, work: (audit: AuditTrail) => Promise<void>): Promise<void>
  now: () => number
}

const source = () => ({ requestId: randomUUID(), address: 'command line' })

export async function inviteCommand({ store, config, withAuditTrail, now }: Deps): Promise<number> {
  if (!config.registration.enabled) {
    console.error('apps may not register themselves here: the configuration says registration.enabled: false')
    return 1
  }
  // Made by this command, which has not seen the store lose anything.
  const invites = createInvites({ store, fence: { notBefore: () => 0 }, now })
  await withAuditTrail(store, async (audit) => {
    await audit.record(source(), { type: 'registration', outcome: 'invited' })
    const { token, expiresAt } = await invites.issue()
    console.log(token)
    console.error(`for one app, until ${new Date(expiresAt).toISOString()}: it is shown only now`)
  })
  return 0
}

export async function requestsCommand({ store, now }: Deps): Promise<number> {
  const asking = await createStoredClients({ store, now }).asking()
  if (asking.length === 0) console.log('nobody asks for production')
  for (const stored of asking) console.log(tell(stored, now()).join('\n'))
  return 0
}

/** What has to be known to tell whether an app is whose it says, and what it asks for. */
function tell(stored: StoredClient, now: number): string[] {
  const { client, production, scopeReasons, launchUrls } = stored
  const day = (at: number | undefined) => new Date(at ?? 0).toISOString().slice(0, 10)
  const due = `verify by ${day(production?.verifyBy)}${isOverdue(stored, now) ? ', OVERDUE' : ''}`
  const lines: [string, string | undefined][] = [
    ['request', nameOf(stored)],
    ['asked', `${day(production?.askedAt)}, ${due}`],
    ['name', JSON.stringify(client.client_name)],
    ['home', client.client_uri],
    ['returns to', client.redirect_uris.join(' ')],
    ['hosts', [...new Set(client.redirect_uris.map(hostOf))].join(' ')],
    ['launched at', launchUrls.join(' ') || undefined],
    ['keys at', client.jwks_uri],
    ['privacy', client.policy_uri],
    ['contacts', client.contacts?.join(' ')]
  ]
  const scopes = client.smart_scope.split(' ').filter(Boolean)
  return [
    client.client_id,
    ...lines.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name}: ${value}`])),
    ...scopes.map((scope) => `  scope ${scope}: ${Object.hasOwn(scopeReasons, scope) ? scopeReasons[scope] : 'no reason given'}`)
  ]
}

/** Of all that an operator is shown: an app that says something else meanwhile has another request. */
export function nameOf({ client, launchUrls, scopeReasons, production }: StoredClient): string {
  const shown = JSON.stringify([client, launchUrls, scopeReasons, production?.askedAt])
  return `${client.client_id}@${hash('sha256', shown, 'base64url').slice(0, 22)}`
}

/** Approves what was looked at, and nothing that has taken its place. */
export async function approveCommand(deps: Deps, request: string): Promise<number> {
  const [clientId = ''] = request.split('@')
  return decide(deps, clientId, 'production-approved', (stored) =>
    nameOf(stored) === request ? approved(stored, deps.now()) : undefined
  )
}

export async function declineCommand(deps: Deps, clientId: string, reason: string | undefined): Promise<number> {
  if (reason === undefined || reason.trim() === '') {
    console.error('the developer is told why: --reason TEXT')
    return 2
  }
  return decide(deps, clientId, 'production-declined', (stored) => declined(stored, reason, deps.now()))
}

async function decide(
  { store, withAuditTrail, now }: Deps,
  clientId: string,
  outcome: RegistrationOutcome,
  change: (stored: StoredClient) => StoredClient | undefined
): Promise<number> {
  const clients = createStoredClients({ store, now })
  const current = await clients.read(clientId)
  if (!current || !change(current)) {
    console.error('nothing of this name is asked for, as `client requests` shows it')
    return 1
  }
  let code = 1
  await withAuditTrail(store, async (audit) => {
    await audit.record(source(), { type: 'registration', outcome, clientId })
    if (!(await clients.change(clientId, change))) {
      console.error('the request was withdrawn or answered by somebody else meanwhile')
      return
    }
    code = 0
    console.log(outcome === 'production-approved' ? 'the app may be used for production from now on' : 'the request is declined')
  })
  return code
}
