/**
 * Keyward as its operator runs it: a process of its own with a configuration file, on data
 * that outlives it. For what has to die and come back; the other tests run it in their own process (keyward.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { clinicYaml } from './clinic-config.ts'
import { freePort } from './free-port.ts'
import type { StoreName } from './keyward.ts'
import type { RedisServer } from './redis-server.ts'
import { endServerFolder, keepWritten, newServerFolder } from './run-folder.ts'
import { startRedisOf } from './shared-redis.ts'

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export interface KeywardProcess {
  issuer: string
  port: number
  /** Its configuration, and its data where the store is a file. */
  folder: string
  configFile: string
  /** The store file; empty where the store is Redis. */
  database: string
  redis?: RedisServer
  /** What this run has written so far, line by line. */
  log(): string[]
  /** Sends the signal, and waits for the end. */
  terminate(signal?: 'SIGTERM' | 'SIGINT'): Promise<Ended>
  /** Sends the signal, and doesn't wait. */
  signal(signal: 'SIGTERM' | 'SIGINT'): void
  /** Ends it as a power cut would. */
  kill(): Promise<void>
  /** On the same data and port. `largestFile`: it can write no file beyond so many bytes, as on a full disk. */
  startAgain(until?: '/readyz' | '/livez', limits?: { largestFile?: number }): Promise<void>
  /** Tells the module that it was started with (`preload`), and waits for its answer. */
  tell(message: object): Promise<unknown>
  /** Waits for an end that nobody has asked for here. */
  ended(): Promise<Ended>
  /** A command of the operator's, on the same configuration. */
  cli(...words: string[]): Promise<Ended>
  /** Ends it and removes its data. */
  stop(): Promise<void>
}

export interface ProcessOptions {
  store?: StoreName
  /** Changes to the sample clinic's configuration file. */
  change?: (yaml: string) => string
  /** Beside PATH. */
  env?: Record<string, string>
  /** A module of the test's that runs in the process before Keyward does, and answers `tell`. */
  preload?: string
  /** Which address has to answer 200 before it counts as started. */
  until?: '/readyz' | '/livez'
}

const MAIN = resolve(import.meta.dirname, '../../src/main.ts')
const CLI = resolve(import.meta.dirname, '../../src/cli.ts')

export async function startProcess(options: ProcessOptions = {}): Promise<KeywardProcess> {
  const { store = 'sqlite', change = (yaml) => yaml, env = {}, preload, until = '/readyz' } = options
  const folder = newServerFolder('process')
  const port = await freePort()
  const redis = await startRedisOf(store)
  const database = redis ? '' : join(folder, 'keyward.db')
  const configFile = join(folder, 'keyward.yaml')
  writeFileSync(configFile, change(clinicYaml({ port, store: redis?.url ?? `sqlite:${database}` })))
  const issuer = `http://localhost:${port}`
  let run: Run

  async function startAgain(path: '/readyz' | '/livez' = '/readyz', limits: { largestFile?: number } = {}): Promise<void> {
    run = startNode(MAIN, ['--config', configFile], { cwd: folder, env, ...(preload ? { preload } : {}), ...limits })
    await answersAt(`http://127.0.0.1:${port}${path}`, run)
  }
  async function kill(): Promise<void> {
    run.child.kill('SIGKILL')
    await run.ended
  }
  async function stop(): Promise<void> {
    await kill()
    await redis?.stop()
    endServerFolder(folder)
  }

  run = startNode(MAIN, ['--config', configFile], { cwd: folder, env, ...(preload ? { preload } : {}) })
  const keyward: KeywardProcess = {
    issuer,
    port,
    folder,
    configFile,
    database,
    ...(redis ? { redis } : {}),
    log: () => run.output.stdout.split('\n').filter((line) => line !== ''),
    async terminate(signal = 'SIGTERM') {
      run.child.kill(signal)
      return run.ended
    },
    signal: (signal) => void run.child.kill(signal),
    kill,
    startAgain,
    tell: (message) => tell(run.child, message),
    ended: () => run.ended,
    cli: (...words) => startNode(CLI, [...words, '--config', configFile], { cwd: folder, env }).ended,
    stop
  }
  await answersAt(`http://127.0.0.1:${port}${until}`, run).catch(async (problem) => {
    await stop()
    throw problem
  })
  return keyward
}

/** Runs Keyward, or with words a command of its operator's, until it ends by itself, as it does where it may not start. */
export async function runToEnd(yaml: string, env: Record<string, string> = {}, ...command: string[]): Promise<Ended> {
  const folder = newServerFolder('process')
  const configFile = join(folder, 'keyward.yaml')
  writeFileSync(configFile, yaml)
  const run = startNode(command.length > 0 ? CLI : MAIN, [...command, '--config', configFile], { cwd: folder, env })
  try {
    return await run.ended
  } finally {
    endServerFolder(folder)
  }
}

interface Run {
  child: ChildProcess
  output: { stdout: string; stderr: string }
  ended: Promise<Ended>
}

interface Surroundings {
  cwd: string
  env?: Record<string, string>
  preload?: string
  largestFile?: number
}

/** The folder is the working directory: the demo keeps its own keys there. */
function startNode(script: string, words: string[], { cwd, env = {}, preload, largestFile }: Surroundings): Run {
  const options = preload === undefined ? [] : ['--import', preload]
  const node = [process.execPath, ...options, script, ...words]
  // The shell counts blocks of 512 bytes. RLIMIT_FSIZE: every system has it, and nobody needs a right to lower it.
  const limited = ['sh', '-c', 'ulimit -f "$0" && exec "$@"', String(Math.floor((largestFile ?? 0) / 512)), ...node]
  const [command = '', ...rest] = largestFile === undefined ? node : limited
  const child = spawn(command, rest, {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(preload === undefined ? [] : (['ipc'] as const))]
  })
  const endWithTests = () => void child.kill('SIGKILL')
  process.once('exit', endWithTests)
  const output = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => {
    output.stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    output.stderr += chunk
  })
  const ended = once(child, 'close').then(([code]) => {
    process.off('exit', endWithTests)
    keepWritten('keyward.log', `${output.stdout}${output.stderr}`)
    return { code, ...output }
  })
  return { child, output, ended }
}

async function tell(child: ChildProcess, message: object): Promise<unknown> {
  const answered = once(child, 'message')
  child.send(message)
  const [answer] = await answered
  return answer
}

async function answersAt(url: string, { child, output }: Run): Promise<void> {
  const deadline = performance.now() + 30_000
  while (performance.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) break
    const answer = await fetch(url, { signal: AbortSignal.timeout(3000) }).catch(() => undefined)
    await answer?.arrayBuffer()
    if (answer?.ok) return
    await wait(20)
  }
  throw new Error(`Keyward does not answer at ${url}:\n${output.stdout}${output.stderr}`)
}
