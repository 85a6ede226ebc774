/** The operator's commands. Each opens the store that the configuration names, does one thing, and closes it. */
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { createAccounts } from './accounts/accounts.ts'
import { forgetFailures } from './accounts/failure-counts.ts'
import { createPasswords } from './accounts/password.ts'
import { exportCommand, verifyCommand, whyCommand } from './audit/commands.ts'
import { type AuditTrail, openAuditTrail } from './audit/trail.ts'
import { createClients, OWN_CLIENT_ID } from './clients/clients.ts'
import type { Config } from './config/config.ts'
import { ConfigError } from './config/config-error.ts'
import { readConfig } from './config/read-config.ts'
import { approveCommand, declineCommand, inviteCommand, requestsCommand, verifyRequestCommand } from './developer/commands.ts'
import { reseal } from './keys/reseal.ts'
import { createSealer } from './keys/sealing.ts'
import { checkSealing, loadSecrets } from './keys/secrets.ts'
import { rotateSigningKeys, withdrawSigningKey } from './keys/signing-keys.ts'
import type { StoreDriver } from './store/driver.ts'
import { openDriver } from './store/open-store.ts'
import { createStore, type Sealer } from './store/sealed-store.ts'
import type { Store } from './store/store.ts'
import { createAttempts } from './web/attempts.ts'

const HELP = `Usage: node src/cli.ts <command> --config FILE

  audit verify               check every audit record; name the first bad one
  audit export               print every audit record, one line of JSON each
  audit why ID               tell why the authorization behind a request or a grant gave what it gave
  account disable USERNAME   bar this person from signing in
  account enable USERNAME    undo that
  account unlock USERNAME    forget the wrong passwords and codes counted against this person
  client disable CLIENT_ID   refuse everything to this client, whatever the configuration says
  client enable CLIENT_ID    undo that
  client invite              make an invitation with which one app may register itself
  client requests            list the apps that ask for production, and by when they have to be answered
  client verify REQUEST      note that this app is whose it says, before production is opened: the request that was shown
  client approve REQUEST     open production to this app, which is verified by this if it was not before
  client decline CLIENT_ID --ground not-theirs|unreachable|misleading|withdrawn --reason TEXT
                             leave this app in the sandbox, and tell its developer why
  keys rotate-signing        let the next key sign id_tokens, and publish a new next one
  keys withdraw-signing KID  publish this key no more, at once; if it signs, the next one does
  keys rotate-sealing        seal every record with the first sealing key
  help                       print this
`

/** Between two lines about the progress, in records. */
const PROGRESS = 1000

/** Returns the exit code. */
type Command = (store: Store, argument: string, config: Config, beneath: Beneath, given: Given) => Promise<number>

/** What the store is made of. */
interface Beneath {
  driver: StoreDriver
  sealer: Sealer
}

interface CommandEntry {
  takes: 0 | 1
  run: Command
}

const COMMANDS = new Map<string, CommandEntry>([
  ['audit verify', { takes: 0, run: verifyCommand }],
  ['audit export', { takes: 0, run: exportCommand }],
  ['audit why', { takes: 1, run: whyCommand }],
  ['account disable', { takes: 1, run: (store, username) => changeAccount(store, username, 'disabled') }],
  ['account enable', { takes: 1, run: (store, username) => changeAccount(store, username, 'enabled') }],
  ['account unlock', { takes: 1, run: (store, username) => changeAccount(store, username, 'unlocked') }],
  ['client disable', { takes: 1, run: (store, clientId, config) => setClientDisabled(store, config, clientId, true) }],
  ['client enable', { takes: 1, run: (store, clientId, config) => setClientDisabled(store, config, clientId, false) }],
  ['client invite', { takes: 0, run: (store, _argument, config) => inviteCommand(registered(store, config)) }],
  ['client requests', { takes: 0, run: (store, _argument, config) => requestsCommand(registered(store, config)) }],
  ['client verify', { takes: 1, run: (store, request, config) => verifyRequestCommand(registered(store, config), request) }],
  ['client approve', { takes: 1, run: (store, clientId, config) => approveCommand(registered(store, config), clientId) }],
  [
    'client decline',
    {
      takes: 1,
      run: (store, clientId, config, _beneath, given) => declineCommand(registered(store, config), clientId, given)
    }
  ],
  ['keys rotate-signing', { takes: 0, run: (store, _argument, config) => rotateSigning(store, config) }],
  ['keys withdraw-signing', { takes: 1, run: (store, kid) => withdrawSigning(store, kid) }],
  ['keys rotate-sealing', { takes: 0, run: (store, _argument, _config, beneath) => rotateSealing(store, beneath) }]
])

async function changeAccount(store: Store, username: string, outcome: 'disabled' | 'enabled' | 'unlocked'): Promise<number> {
  const accounts = await accountsOn(store)
  const account = await accounts.findByUsername(username)
  if (!account) {
    console.error('there is no account with this user name')
    return 1
  }
  await withAuditTrail(store, async (audit) => {
    // Recorded first: nothing changes that the trail does not know of.
    await audit.record(commandSource(), { type: 'account', outcome, accountId: account.sub })
    // A window only begins with a count: to forget one, any will do.
    if (outcome === 'unlocked') await forgetFailures(createAttempts({ store, window: 1 }), account.sub)
    else await accounts.setDisabled(account.sub, outcome === 'disabled')
    console.log(`the account is ${outcome}`)
  })
  return 0
}

async function setClientDisabled(store: Store, config: Config, clientId: string, disabled: boolean): Promise<number> {
  const clients = createClients({ configured: config.clients, issuer: config.issuer, store })
  if (clientId === OWN_CLIENT_ID || !(await clients.find(clientId))) {
    console.error('there is no client with this id')
    return 1
  }
  await withAuditTrail(store, async (audit) => {
    const outcome = disabled ? 'disabled' : 'enabled'
    await audit.record(commandSource(), { type: 'client', outcome, clientId })
    await clients.setDisabled(clientId, disabled)
    console.log(`the client is ${outcome}`)
  })
  return 0
}

const accountsOn = async (store: Store) => createAccounts({ store, passwords: await createPasswords(), now: Date.now })

const registered = (store: Store, config: Config) => ({
  store,
  config,
  withAuditTrail,
  usernameOf: async (accountId: string) => (await (await accountsOn(store)).find(accountId))?.username,
  now: Date.now
})

async function rotateSigning(store: Store, { lifetimes }: Config): Promise<number> {
  let code = 1
  await withAuditTrail(store, async (audit) => {
    const source = commandSource()
    const rotation = await rotateSigningKeys({
      store,
      now: Date.now,
      idTokenLifetime: lifetimes.accessToken * 1000,
      onBefore: (kid) => audit.record(source, { type: 'keys', outcome: 'signing-rotated', kid })
    })
    if (rotation.ok) {
      console.log(`key ${rotation.kid} signs from now on, on every process within a few seconds`)
      code = 0
    } else if (rotation.reason === 'too-soon') {
      console.error(`the next key has not been published for long enough: rotate after ${new Date(rotation.from).toISOString()}`)
    } else {
      await audit.record(source, { type: 'keys', outcome: 'refused', reason: rotation.reason })
      console.error('the keys were rotated by somebody else meanwhile')
    }
  })
  return code
}

async function withdrawSigning(store: Store, kid: string): Promise<number> {
  let code = 1
  await withAuditTrail(store, async (audit) => {
    const source = commandSource()
    const onBefore = (active: string) => audit.record(source, { type: 'keys', outcome: 'signing-withdrawn', kid, active })
    const withdrawal = await withdrawSigningKey({ store, now: Date.now, kid, onBefore })
    if (withdrawal.ok) {
      console.log(`key ${kid} is withdrawn and key ${withdrawal.active} signs, on every process within a few seconds`)
      code = 0
    } else if (withdrawal.reason === 'unknown') {
      console.error(`there is no such key; published are ${withdrawal.published.join(', ')}`)
    } else {
      await audit.record(source, { type: 'keys', outcome: 'refused', reason: withdrawal.reason })
      console.error('the keys were changed by somebody else meanwhile: do it again')
    }
  })
  return code
}

async function rotateSealing(store: Store, { driver, sealer }: Beneath): Promise<number> {
  let code = 1
  await withAuditTrail(store, async (audit) => {
    const source = commandSource()
    const sealingKey = sealer.keyId
    await audit.record(source, { type: 'keys', outcome: 'resealing', sealingKey })
    let printed = 0
    const onProgress = (seen: number, records: number): void => {
      if (seen - printed < PROGRESS && seen > printed) return
      printed = seen
      console.log(`${seen} records looked at, ${records} sealed anew`)
    }
    const { resealed, unreadable, left } = await reseal({ driver, sealer, now: Date.now, onProgress })
    await audit.record(source, { type: 'keys', outcome: 'resealed', sealingKey, records: resealed })
    console.log(`${resealed} records were sealed anew with key ${sealingKey}`)
    for (const record of unreadable) console.error(`${record} can't be opened and was left as it is`)
    if (left > 0) console.error('a server still seals with another key: put this one first everywhere, then do this again')
    if (left > 0 || unreadable.length > 0) return
    console.log(`every record is sealed with key ${sealingKey}: the others may be removed from secrets.sealingKeys`)
    code = 0
  })
  return code
}

async function withAuditTrail(store: Store, work: (audit: AuditTrail) => Promise<void>): Promise<void> {
  const audit = await openAuditTrail({ store, now: Date.now })
  try {
    await work(audit)
  } finally {
    await audit.close()
  }
}

/** Commands have no address: they are given on a machine that holds the keys. */
const commandSource = () => ({ requestId: randomUUID(), address: 'command line' })

async function withStore(
  configFile: string,
  work: (store: Store, config: Config, beneath: Beneath) => Promise<number>
): Promise<number> {
  const config = readConfig(configFile, process.env)
  const { sealingKeys, lookupKey } = await loadSecrets(config)
  const driver = await openDriver(config.store, { now: Date.now })
  try {
    const sealer = createSealer(sealingKeys)
    const store = createStore({ driver, sealer, lookupKey, now: Date.now })
    await checkSealing(store, { lookupKey })
    return await work(store, config, { driver, sealer })
  } finally {
    await driver.close()
  }
}

interface Given {
  positionals: string[]
  config?: string | undefined
  ground?: string | undefined
  reason?: string | undefined
}

function readArguments(args: string[]): Given | undefined {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { config: { type: 'string' }, ground: { type: 'string' }, reason: { type: 'string' } },
      allowPositionals: true
    })
    return { positionals, ...values }
  } catch {
    return undefined
  }
}

async function run(args: string[]): Promise<number> {
  const given = readArguments(args)
  if (given?.positionals.join(' ') === 'help') {
    console.log(HELP)
    return 0
  }
  const [topic, verb, ...rest] = given?.positionals ?? []
  const command = COMMANDS.get(`${topic} ${verb}`)
  if (!command || given?.config === undefined || rest.length !== command.takes) {
    console.error(HELP)
    return 2
  }
  return withStore(given.config, (store, config, beneath) => command.run(store, rest[0] ?? '', config, beneath, given))
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  // The configuration's mistakes are many lines of their own; a fault is one sentence and its cause.
  const { message, cause } = error instanceof Error ? error : new Error(String(error))
  console.error(!(error instanceof ConfigError) && cause instanceof Error ? `${message}: ${cause.message}` : message)
  process.exitCode = 1
}
