/** The process in which passwords are hashed: what it may know, how far it steps back, and what its end means. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { resolve } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createHashingProcess } from '../../../src/accounts/hashing-process.ts'
import { createPasswords, type Passwords } from '../../../src/accounts/password.ts'
import { MARIA, openAccounts, PASSWORD } from './open-accounts.ts'

// Processes take their time to start on a machine that is busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })
const PATIENT = { timeout: 60_000, interval: 50 }

let hashing: ReturnType<typeof createHashingProcess>
let passwords: Passwords
let hash: string
let ended: { unchecked: number; reason: string }[]
beforeEach(async () => {
  process.env.PLANTED_SECRET = 'a-sealing-key-of-the-environment'
  ended = []
  hashing = createHashingProcess({
    atOnce: 2,
    patience: 12_000,
    onEnded: (unchecked, reason) => ended.push({ unchecked, reason })
  })
  passwords = await createPasswords({ hashing })
  hash = await passwords.hash(PASSWORD)
})
afterEach(async () => {
  delete process.env.PLANTED_SECRET
  await hashing.close()
})

function pidOf(): number {
  const pid = hashing.pid()
  if (pid === undefined) throw new Error('it is not running')
  return pid
}

test('hashes and compares in another process', async () => {
  expect(pidOf()).not.toBe(process.pid)
  expect(await passwords.verify(hash, PASSWORD)).toBe('match')
  expect(await passwords.verify(hash, `${PASSWORD}!`)).toBe('mismatch')
  expect(await passwords.verify(undefined, PASSWORD)).toBe('mismatch')
  await expect(passwords.verify('not a hash', PASSWORD)).rejects.toThrow('$')
  expect(passwords.needsRehash(hash)).toBe(false)
  // What was made there is known here, and the other way round.
  const here = await createPasswords()
  expect(await here.verify(hash, PASSWORD)).toBe('match')
  expect(await passwords.verify(await here.hash(PASSWORD), PASSWORD)).toBe('match')
})

test('all of its threads step back behind this process', () => {
  const pid = pidOf()
  const threads = process.platform === 'linux' ? readdirSync(`/proc/${pid}/task`).map(Number) : [pid]
  expect(threads).toContain(pid)
  for (const thread of threads) expect(getPriority(thread)).toBe(getPriority(process.pid) + 7)
})

test('it is told neither the secrets of the environment nor a password by its arguments', () => {
  // Other systems show neither to anybody.
  if (process.platform !== 'linux') return
  const [environment, words] = ['environ', 'cmdline'].map((name) => readFileSync(`/proc/${pidOf()}/${name}`, 'utf8'))
  expect(environment).not.toContain('a-sealing-key-of-the-environment')
  expect(words).not.toContain(PASSWORD)
  expect(words).toContain('hashing-child.ts')
})

test('F24: it is ended while it works: what it was asked is answered with busy, never with mismatch, and it begins anew', async () => {
  const gone = pidOf()
  process.kill(gone, 'SIGSTOP')
  const asked = [passwords.verify(hash, PASSWORD), passwords.verify(hash, 'wrong')]
  // It can't have answered: it stands still.
  process.kill(gone, 'SIGKILL')
  expect(await Promise.all(asked)).toEqual(['busy', 'busy'])
  expect(ended).toEqual([{ unchecked: 2, reason: 'the process that hashes passwords ended: SIGKILL' }])
  await expect.poll(() => passwords.verify(hash, PASSWORD), PATIENT).toBe('match')
  expect(await passwords.verify(hash, 'wrong')).toBe('mismatch')
  expect(pidOf()).not.toBe(gone)
})

test('F24: a try that was being checked when it ended is none: the one that the limit allows may still be made', async () => {
  const { accounts, signIn } = await openAccounts({ hashing, limits: { passwordsPerAccount: 1, signInsPerAddress: 1 } })
  await accounts.createIfAbsent(MARIA)
  process.kill(pidOf(), 'SIGSTOP')
  const interrupted = signIn.verify('maria', 'wrong', '192.0.2.1')
  // One that has not been handed over yet is checked by the next process, which would say something else.
  await expect.poll(() => hashing.waiting(), PATIENT).toBe(1)
  process.kill(pidOf(), 'SIGKILL')
  expect(await interrupted).toMatchObject({ ok: false, reason: 'busy', retryAfter: 2 })
  // The process is back.
  await expect.poll(() => passwords.verify(hash, PASSWORD), PATIENT).toBe('match')
  expect(await signIn.verify('maria', 'wrong', '192.0.2.1')).toMatchObject({ reason: 'wrong-credentials' })
  expect(await signIn.verify('maria', 'wrong', '192.0.2.1')).toMatchObject({ reason: 'too-many-attempts' })
})

test('one that hangs is ended, and its work answered with busy', async () => {
  process.kill(pidOf(), 'SIGSTOP')
  expect(await passwords.verify(hash, PASSWORD)).toBe('busy')
  await expect.poll(() => passwords.verify(hash, PASSWORD), PATIENT).toBe('match')
})

test('the server ends though it hangs', async () => {
  const pid = pidOf()
  process.kill(pid, 'SIGSTOP')
  await hashing.close()
  expect(isAlive(pid)).toBe(false)
  expect(ended).toEqual([])
})

test('a signal to all processes leaves it to its parent, with whose end it ends', async () => {
  process.kill(pidOf(), 'SIGTERM')
  process.kill(pidOf(), 'SIGINT')
  expect(await passwords.verify(hash, PASSWORD)).toBe('match')
  const pid = pidOf()
  await hashing.close()
  expect(isAlive(pid)).toBe(false)
  expect(await passwords.verify(hash, PASSWORD)).toBe('busy')
  expect(ended).toEqual([])
})

test('it ends when its parent is killed', async () => {
  const source = resolve(import.meta.dirname, '../../../src/accounts/hashing-process.ts')
  const program = `
    import { createHashingProcess } from ${JSON.stringify(source)}
    const hashing = createHashingProcess({ onEnded() {} })
    await hashing.hash(Buffer.from('x'), { memoryCost: 19456, timeCost: 2, parallelism: 1 })
    console.log(hashing.pid())`
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = await once(parent.stdout, 'data')
  const pid = Number(said)
  expect(isAlive(pid)).toBe(true)
  parent.kill('SIGKILL')
  await expect.poll(() => isAlive(pid), PATIENT).toBe(false)
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // One that has ended may lie there until its new parent has taken note.
  return !(existsSync(`/proc/${pid}/stat`) && /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))
}
