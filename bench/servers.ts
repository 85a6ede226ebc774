/** The servers that are measured: each a process of its own on the server's core, ended with the bench. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { SERVER_CORE } from './cpu.ts'

export interface Server {
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

export interface ServerOptions {
  script: string
  words: string[]
  port: number
  /** Its working directory; what it says on its standard error is kept there. */
  folder: string
  /** A path that is answered once it can be measured. */
  ready: string
  nodeOptions?: string[]
}

const PATIENCE = 60_000

export async function startServer({ script, words, port, folder, ready, nodeOptions = [] }: ServerOptions): Promise<Server> {
  const complaints = join(folder, `${port}.stderr`)
  const stderr = openSync(complaints, 'w')
  const node = [process.execPath, ...nodeOptions, resolve(import.meta.dirname, script), ...words]
  const child = spawn('taskset', ['--cpu-list', String(SERVER_CORE), ...node], {
    cwd: folder,
    env: { PATH: process.env.PATH, NODE_ENV: 'production' },
    stdio: ['pipe', 'ignore', stderr]
  })
  closeSync(stderr)
  const endWithBench = (): void => void child.kill('SIGKILL')
  process.once('exit', endWithBench)
  const server: Server = {
    port,
    pid: child.pid ?? 0,
    async stop() {
      await end(child)
      process.off('exit', endWithBench)
    }
  }
  const deadline = performance.now() + PATIENCE
  while (performance.now() < deadline && child.exitCode === null) {
    const answer = await fetch(`http://localhost:${port}${ready}`, { signal: AbortSignal.timeout(3000) }).catch(() => undefined)
    await answer?.arrayBuffer()
    if (answer?.ok) return server
    await wait(50)
  }
  await server.stop()
  throw new Error(`${script} does not answer at port ${port}: ${readFileSync(complaints, 'utf8').slice(0, 2000)}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await ended
  clearTimeout(late)
}
