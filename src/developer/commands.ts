/** What an operator does about apps that register themselves: the commands `client invite`, `requests`, `verify`, `approve` and `decline`. */
import { hash, randomUUID } from 'node:crypto'
import type { RegistrationOutcome } from '../audit/event.ts'
import type { AuditTrail } from '../audit/trail.ts'
import { hostOf } from '../clients/clients.ts'
import { createStoredClients, type StoredClient } from '../clients/stored-clients.ts'
import type { Config } from '../config/config.ts'
import type { Store } from '../store/store.ts'
import { createInvites } from './invites.ts'
import { approved, DECLINE_GROUNDS, declined, isOverdue, runningClock, verified } from './production.ts'

interface Deps {
  store: Store
  config: Pick<Config, 'registration'>
  /** Opens the audit trail for one command. */
  withAuditTrail(store: Store, work: (audit: AuditTrail) => Promise<void>): Promise<void>
  /** Of the account with this `sub`; undefined where it is gone. */
  usernameOf(accountId: string): Promise<string | undefined>
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

export async function requestsCommand({ store, usernameOf, now }: Deps): Promise<number> {
  const asking = await createStoredClients({ store, now }).asking()
  if (asking.length === 0) console.log('nobody asks for production')
  for (const stored of asking) {
    const { owner } = stored
    const developer = owner === undefined ? undefined : `${(await usernameOf(owner)) ?? 'an account that is gone'} (${owner})`
    console.log(tell(stored, developer, now()).join('\n'))
  }
  return 0
}

/** What has to be known to tell whether an app is whose it says, and what it asks for. */
function tell(stored: StoredClient, developer: string | undefined, now: number): string[] {
  const { client, production, launchUrls } = stored
  const { scope_reasons: reasons = {}, privacy_answers: answers = {} } = client
  const day = (at: number | undefined) => new Date(at ?? 0).toISOString().slice(0, 10)
  const { clock, due } = runningClock(stored) ?? {}
  const deadline = `${clock === 'verify' ? 'verify' : 'open production'} by ${day(due)}${isOverdue(stored, now) ? ', OVERDUE' : ''}`
  const verifiedOn = production?.verifiedAt === undefined ? '' : `, verified: ${day(production.verifiedAt)}`
  const lines: [string, string | undefined][] = [
    ['request', nameOf(stored)],
    ['asked', `${day(production?.askedAt)}${verifiedOn}, ${deadline}`],
    ['developer', developer],
    ['name', JSON.stringify(client.client_name)],
    ['home', client.client_uri],
    ['returns to', client.redirect_uris.join(' ')],
    ['hosts', [...new Set(client.redirect_uris.map(hostOf))].join(' ')],
    ['launched at', launchUrls.join(' ') || undefined],
    ['keys at', client.jwks_uri],
    ['privacy', client.policy_uri],
    ['terms', client.tos_uri],
    [
      'says of data',
      Object.entries(answers)
        .map(([question, answer]) => `${question}: ${answer}`)
        .join(', ') || 'nothing'
    ],
    ['contacts', client.contacts?.join(' ')]
  ]
  const scopes = client.smart_scope.split(' ').filter(Boolean)
  return [
    client.client_id,
    ...lines.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name}: ${value}`])),
    ...scopes.map((scope) => `  scope ${scope}: ${Object.hasOwn(reasons, scope) ? reasons[scope] : 'no reason given'}`)
  ]
}

/** Of all that an operator is shown: an app that says something else meanwhile has another request. */
export function nameOf({ client, launchUrls, owner, production }: StoredClient): string {
  const shown = JSON.stringify([client, launchUrls, owner, production?.askedAt])
  return `${client.client_id}@${hash('sha256', shown, 'base64url').slice(0, 22)}`
}

/** The app is whose it says. It is opened by `approve`, for which a clock of its own runs from now on. */
export async function verifyRequestCommand(deps: Deps, request: string): Promise<number> {
  return decide(deps, clientIn(request), 'production-verified', (stored) =>
    nameOf(stored) === request ? verified(stored, deps.now()) : undefined
  )
}

/** Approves what was looked at, and nothing that has taken its place. */
export async function approveCommand(deps: Deps, request: string): Promise<number> {
  return decide(deps, clientIn(request), 'production-approved', (stored) =>
    nameOf(stored) === request ? approved(stored, deps.now()) : undefined
  )
}

interface Declining {
  ground?: string | undefined
  reason?: string | undefined
}

export async function declineCommand(deps: Deps, clientId: string, { ground, reason }: Declining): Promise<number> {
  const known = DECLINE_GROUNDS.find((one) => one === ground)
  if (known === undefined || reason === undefined || reason.trim() === '') {
    console.error(`the developer is told why: --ground ${DECLINE_GROUNDS.join('|')} --reason TEXT`)
    return 2
  }
  return decide(deps, clientId, 'production-declined', (stored) => declined(stored, { ground: known, reason }, deps.now()), known)
}

const clientIn = (request: string): string => request.split('@')[0] ?? ''

const DONE: Partial<Record<RegistrationOutcome, string>> = {
  'production-verified': 'the app is verified; client approve opens production to it',
  'production-approved': 'the app may be used for production from now on',
  'production-declined': 'the request is declined'
}

async function decide(
  { store, withAuditTrail, now }: Deps,
  clientId: string,
  outcome: RegistrationOutcome,
  change: (stored: StoredClient) => StoredClient | undefined,
  ground?: string
): Promise<number> {
  const clients = createStoredClients({ store, now })
  const current = await clients.read(clientId)
  if (!current || !change(current)) {
    console.error('nothing of this name is asked for, as `client requests` shows it')
    return 1
  }
  let code = 1
  await withAuditTrail(store, async (audit) => {
    const reason = ground ?? (isOverdue(current, now()) ? 'late' : undefined)
    await audit.record(source(), { type: 'registration', outcome, clientId, ...(reason === undefined ? {} : { reason }) })
    if (!(await clients.change(clientId, change))) {
      console.error('the request was withdrawn or answered by somebody else meanwhile')
      return
    }
    code = 0
    console.log(DONE[outcome])
  })
  return code
}
