import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { createAccounts } from '../../../src/accounts/accounts.ts'
import { createPasswords } from '../../../src/accounts/password.ts'
import { createSignIn } from '../../../src/accounts/sign-in.ts'
import { createClients } from '../../../src/clients/clients.ts'
import { readConfig } from '../../../src/config/read-config.ts'
import { createSealer } from '../../../src/keys/sealing.ts'
import { loadSecrets } from '../../../src/keys/secrets.ts'
import { openDriver } from '../../../src/store/open-store.ts'
import { createStore } from '../../../src/store/sealed-store.ts'
import { createAttempts } from '../../../src/web/attempts.ts'
import { runProcess } from './audit-store.ts'

interface Ended {
  code: number
  stdout: string
  stderr: string
}

function cli(...args: string[]): Promise<Ended> {
  return new Promise((done) => {
    execFile(process.execPath, [resolve('src/cli.ts'), ...args], (error, stdout, stderr) => {
      done({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr })
    })
  })
}

/** A configuration with a store of its own, in which one process has recorded three events. */
async function clinic() {
  const folder = await mkdtemp(join(tmpdir(), 'keyward-cli-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const [config, database] = [join(folder, 'keyward.yaml'), join(folder, 'keyward.db')]
  const demo = await readFile('config/demo.yaml', 'utf8')
  await writeFile(config, demo.replace(/^store: .*$/m, `store: "sqlite:${database}"`))
  const settings = readConfig(config, {})
  const { sealingKeys, lookupKey } = await loadSecrets(settings)
  const driver = await openDriver(settings.store, { now: Date.now })
  onTestFinished(() => driver.close())
  const store = createStore({ driver, sealer: createSealer(sealingKeys), lookupKey, now: Date.now })
  await runProcess(store, 1)
  return { config, database, store, settings }
}

test('audit verify counts an intact trail and exits 0', async () => {
  const { config } = await clinic()
  expect(await cli('audit', 'verify', '--config', config)).toEqual({
    code: 0,
    stdout: '3 records in 1 chains, intact\n',
    stderr: ''
  })
})

test('case 143: audit verify names the first bad record and exits 1', async () => {
  const { config, database } = await clinic()
  const raw = new DatabaseSync(database)
  raw.exec("UPDATE entries SET payload = zeroblob(80) WHERE kind = 'audit-record'")
  raw.close()
  const { code, stdout } = await cli('audit', 'verify', '--config', config)
  expect(code).toBe(1)
  expect(stdout).toMatch(/^chain [\w.-]+, record 1 cannot be opened/)
})

test('audit export prints one line of JSON for each record', async () => {
  const { config } = await clinic()
  const { code, stdout } = await cli('audit', 'export', '--config', config)
  expect(code).toBe(0)
  const outcomes = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).event.outcome)
  expect(outcomes).toEqual(['opened', 'accepted', 'closed'])
})

test('audit export prints what can be read, names what can not, and exits 1', async () => {
  const { config, database } = await clinic()
  const raw = new DatabaseSync(database)
  raw.exec("DELETE FROM entries WHERE kind = 'audit-record' AND id = (SELECT min(id) FROM entries WHERE kind = 'audit-record')")
  raw.close()
  const { code, stdout, stderr } = await cli('audit', 'export', '--config', config)
  expect({ code, lines: stdout.trimEnd().split('\n').length }).toEqual({ code: 1, lines: 2 })
  expect(stderr).toMatch(/^chain [\w.-]+, record [123] can't be read\n$/)
})

test('account disable and enable change the account and are recorded', async () => {
  const { config, store, settings } = await clinic()
  const accounts = createAccounts({ store, passwords: await createPasswords(), now: Date.now })
  const [first] = settings.accounts
  if (!first) throw new Error('the demo has accounts')
  const { sub } = await accounts.createIfAbsent(first)
  expect(await cli('account', 'disable', first.username, '--config', config)).toMatchObject({ code: 0, stderr: '' })
  expect((await accounts.find(sub))?.disabled).toBe(true)
  expect(await cli('account', 'enable', first.username, '--config', config)).toMatchObject({ code: 0, stderr: '' })
  expect((await accounts.find(sub))?.disabled).toBe(false)
  const { stdout } = await cli('audit', 'export', '--config', config)
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).event)
  expect(events.filter(({ type }) => type === 'account')).toEqual([
    { type: 'account', outcome: 'disabled', accountId: sub },
    { type: 'account', outcome: 'enabled', accountId: sub }
  ])
  expect(await cli('audit', 'verify', '--config', config)).toMatchObject({ code: 0 })
})

test('account unlock forgets what was counted against the account, and is recorded', async () => {
  const { config, store, settings } = await clinic()
  const passwords = await createPasswords()
  const accounts = createAccounts({ store, passwords, now: Date.now })
  const [first] = settings.accounts
  if (!first) throw new Error('the demo has accounts')
  const { sub } = await accounts.createIfAbsent(first)
  const attempts = createAttempts({ store, window: 60_000 })
  const limits = { passwordsPerAccount: 1, codesPerAccount: 1, signInsPerAddress: 1000 }
  const signIn = createSignIn({ accounts, passwords, attempts, limits })
  await signIn.verify(first.username, 'wrong', '192.0.2.1')
  expect(await signIn.verify(first.username, first.password, '192.0.2.1')).toMatchObject({ reason: 'too-many-attempts' })
  await attempts.take('codes-in-a-row', sub, 1)
  await attempts.take('code', sub, 1)
  expect(await cli('account', 'unlock', first.username, '--config', config)).toMatchObject({ code: 0, stderr: '' })
  expect(await signIn.verify(first.username, first.password, '192.0.2.1')).toMatchObject({ ok: true })
  expect(await attempts.take('codes-in-a-row', sub, 1)).toEqual({ ok: true })
  expect(await attempts.take('code', sub, 1)).toEqual({ ok: true })
  const { stdout } = await cli('audit', 'export', '--config', config)
  expect(stdout).toContain('"outcome":"unlocked"')
})

test('client disable and enable change the client for every process on the store, and are recorded', async () => {
  const { config, store, settings } = await clinic()
  const clients = createClients({ configured: settings.clients, issuer: settings.issuer, store })
  expect(await cli('client', 'disable', 'heart-app', '--config', config)).toMatchObject({ code: 0, stderr: '' })
  expect((await clients.find('heart-app'))?.disabled).toBe(true)
  expect(await cli('client', 'enable', 'heart-app', '--config', config)).toMatchObject({ code: 0, stderr: '' })
  expect((await clients.find('heart-app'))?.disabled).toBe(false)
  const { stdout } = await cli('audit', 'export', '--config', config)
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).event)
  expect(events.filter(({ type }) => type === 'client')).toEqual([
    { type: 'client', outcome: 'disabled', clientId: 'heart-app' },
    { type: 'client', outcome: 'enabled', clientId: 'heart-app' }
  ])
})

test.each([
  ['that is not registered', 'nobody'],
  ["that is Keyward's own", 'keyward-account']
])('a client %s is said not to exist, recorded nowhere, and exits 1', async (_which, clientId) => {
  const { config } = await clinic()
  expect(await cli('client', 'disable', clientId, '--config', config)).toEqual({
    code: 1,
    stdout: '',
    stderr: 'there is no client with this id\n'
  })
  expect((await cli('audit', 'verify', '--config', config)).stdout).toBe('3 records in 1 chains, intact\n')
})

test('an account that does not exist is said to, recorded nowhere, and exits 1', async () => {
  const { config } = await clinic()
  expect(await cli('account', 'disable', 'nobody', '--config', config)).toEqual({
    code: 1,
    stdout: '',
    stderr: 'there is no account with this user name\n'
  })
  expect((await cli('audit', 'verify', '--config', config)).stdout).toBe('3 records in 1 chains, intact\n')
})

test.each([
  ['no command', []],
  ['an unknown command', ['audit', 'forget', '--config', 'x']],
  ['no configuration', ['audit', 'verify']],
  ['a missing user name', ['account', 'disable', '--config', 'x']],
  ['a word too many', ['audit', 'verify', 'now', '--config', 'x']],
  ['an unknown option', ['audit', 'verify', '--config', 'x', '--force']]
])('%s is answered with the usage and exit 2', async (_what, args) => {
  expect(await cli(...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Usage:') })
})

test('help prints the usage and exits 0', async () => {
  expect(await cli('help')).toMatchObject({ code: 0, stdout: expect.stringContaining('audit verify'), stderr: '' })
})

test('a configuration that is not there is one sentence and exit 1, without a stack', async () => {
  const { code, stderr } = await cli('audit', 'verify', '--config', 'not-there.yaml')
  expect(code).toBe(1)
  expect(stderr).not.toMatch(/\n\s+at /)
})
