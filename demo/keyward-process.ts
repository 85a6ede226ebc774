/** Keyward as a child process: started, waited for, ended in order. The clinic knows of it only this and its addresses. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ClinicError } from './clinic-error.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const startsWithin = 60_000
/** Longer than Keyward itself waits for answers under way: after that it still closes its audit chain. */
const drainsWithin = 15_000

interface KeywardOptions {
  configFile: string
  /** Where the relative paths of the configuration start. */
  workingDir: string
  issuer: string
  logFile: string
  /** Ends the waiting: the person pressed Ctrl-C. */
  signal?: AbortSignal | undefined
}

export interface KeywardProcess {
  child: ChildProcess
  /** Settles when the process ends, for whatever reason. */
  ended: Promise<unknown>
  stop(): Promise<void>
}

export async function startKeyward({ configFile, workingDir, issuer, logFile, signal }: KeywardOptions): Promise<KeywardProcess> {
  const log = await open(logFile, 'w')
  const child = spawn(
    process.execPath,
    ['--import', new URL('./end-with-parent.ts', import.meta.url).href, main, '--config', configFile],
    {
      cwd: workingDir,
      stdio: ['ignore', log.fd, log.fd, 'ipc'],
      // Its own process group: Ctrl-C reaches only us, and we end everything in order.
      detached: process.platform !== 'win32',
      windowsHide: true
    }
  )
  await log.close()
  const ended = once(child, 'exit')

  async function stop(): Promise<void> {
    if (!isRunning(child)) return
    child.kill('SIGTERM')
    const patience = new AbortController()
    const late = delay(drainsWithin, undefined, { signal: patience.signal }).then(
      () => child.kill('SIGKILL'),
      () => false
    )
    await ended
    patience.abort()
    await late
  }

  try {
    await isReady(`${issuer}/readyz`, child, signal)
  } catch (fault) {
    await stop()
    throw fault instanceof ClinicError ? new ClinicError(`${fault.message}\n${await tail(logFile)}`.trimEnd()) : fault
  }
  return { child, ended, stop }
}

/** The last lines that Keyward wrote. */
export async function tail(logFile: string): Promise<string> {
  const lines = (await readFile(logFile, 'utf8')).trimEnd().split('\n')
  return lines.slice(-20).join('\n')
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

async function isReady(address: string, child: ChildProcess, signal: AbortSignal | undefined): Promise<void> {
  const deadline = Date.now() + startsWithin
  while (Date.now() < deadline) {
    signal?.throwIfAborted()
    if (!isRunning(child)) throw new ClinicError('Keyward could not start:')
    const answer = await fetch(address, { signal: AbortSignal.timeout(2000) }).catch(() => undefined)
    if (answer?.ok) return
    await delay(50)
  }
  throw new ClinicError(`Keyward was not ready within ${startsWithin / 1000} seconds:`)
}
