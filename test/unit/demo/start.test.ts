import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { servers } from '../../../demo/placement.ts'
import { freePorts } from '../../harness/free-port.ts'

const host = '127.0.0.1'
const script = fileURLToPath(new URL('../../../demo/start.ts', import.meta.url))
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keyward-clinic-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const started: ChildProcess[] = []
afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
})

function start(args: string[]) {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  started.push(child)
  let said = ''
  const heard = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (words: string) => {
      said += words
      for (const listener of heard) listener()
    })
  }
  const ended = once(child, 'close').then(([code]: unknown[]) => code)
  const says = (words: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => said.includes(words) && resolve()
      heard.add(look)
      look()
      void ended.then(() => reject(new Error(`It ended without saying "${words}":\n${said}`)))
    })
  return { child, ended, says, said: () => said }
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer()
  const listening = new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(false))
    probe.listen(port, host, () => resolve(true))
  })
  const free = await listening
  if (free) await new Promise((resolve) => probe.close(resolve))
  return free
}

async function options(data: string) {
  const ports = await freePorts(servers.length)
  return { ports, args: ['--ports', ports.join(','), '--data', path.join(folder, data)] }
}

describe('npm start', () => {
  test.each([
    ['--ports', '1,2'],
    ['--what', 'ever'],
    ['left', 'over']
  ])('tells its options where it does not know %s %s', async (...args) => {
    const clinic = start(args)
    expect(await clinic.ended).toBe(1)
    expect(clinic.said()).toContain('Usage: npm start -- [options]')
  })

  test.each([0, 1, 4, 7])('says which port is in use and leaves nothing running (the %i. of eight)', async (taken) => {
    const { ports, args } = await options(`taken-${taken}`)
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(ports[taken], host, resolve))
    const clinic = start(args)
    expect(await clinic.ended).toBe(1)
    expect(clinic.said()).toContain(`Port ${ports[taken]} is in use.`)
    await new Promise((resolve) => other.close(resolve))
    expect(await Promise.all(ports.map(isFree))).toEqual(ports.map(() => true))
  })

  test('runs until SIGTERM, ends all of it with exit code 0, and finds everything as it was', { timeout: 60_000 }, async () => {
    const { ports, args } = await options('twice')
    const keys = async () => (await fetch(`http://localhost:${ports[0]}/jwks`)).json()

    const first = start(args)
    await first.says('What to try')
    expect(
      (await Promise.all([2, 3, 4, 7].map((at) => fetch(`http://${host}:${ports[at]}/`)))).map(({ status }) => status)
    ).toEqual([200, 200, 200, 200])
    const before = await keys()
    first.child.kill('SIGTERM')
    expect(await first.ended).toBe(0)
    expect(await Promise.all(ports.map(isFree))).toEqual(ports.map(() => true))

    const second = start(args)
    await second.says('What to try')
    expect(await keys()).toEqual(before)
    second.child.kill('SIGINT')
    expect(await second.ended).toBe(0)
  })

  // Linux alone tells which process is Keyward without a tool of its own.
  test.runIf(process.platform === 'linux')('ends too, with a sentence, when Keyward dies', { timeout: 60_000 }, async () => {
    const { ports, args } = await options('dies')
    const clinic = start(args)
    await clinic.says('What to try')
    process.kill(await keywardOf(clinic.child), 'SIGKILL')
    expect(await clinic.ended).toBe(1)
    expect(clinic.said()).toContain('Keyward has ended by itself')
    expect(await Promise.all(ports.map(isFree))).toEqual(ports.map(() => true))
  })

  test('leaves no Keyward behind when it is killed itself', { timeout: 60_000 }, async () => {
    const { ports, args } = await options('killed')
    const clinic = start(args)
    await clinic.says('What to try')
    clinic.child.kill('SIGKILL')
    await clinic.ended
    await expect.poll(() => Promise.all(ports.map(isFree)), { timeout: 15_000 }).toEqual(ports.map(() => true))
  })
})

/** The one child process of the clinic. */
async function keywardOf({ pid }: ChildProcess): Promise<number> {
  return Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim())
}
