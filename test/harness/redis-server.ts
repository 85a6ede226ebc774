/** A real redis-server of the test's own, on a free port, with a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { endServerFolder, keepWritten, newServerFolder } from './run-folder.ts'

export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Of each server that it consists of. */
  readonly nodes: readonly string[]
  /** What it keeps on disk. */
  readonly folder: string
  /** Freezes the process: connections stay open and nothing answers. */
  pause(): void
  resume(): void
  /** Ends it without a goodbye. What it had written to its log stays. */
  kill(): Promise<void>
  /** Starts it again after `kill`, on the same port and folder. `empty`: as where another volume is mounted there. */
  restart(how?: 'empty'): Promise<void>
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}

interface Options {
  /** Further options of redis-server, like ['--requirepass', 'x']. */
  arguments?: string[]
  /** Lines of a Sentinel's configuration, which it rewrites as it learns. It then is one. */
  sentinel?: string
}

const MISSING = 'redis-server is not installed (on Debian: apt-get install redis-server)'
/** What setpriv ends with where it finds no such program. */
const NOT_FOUND = 127

/** Where the system can, it ends with the process that started it, however that one ends: a test run that is killed cleans up nothing. */
const UNTIL_WE_END = existsSync('/usr/bin/setpriv')
  ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', 'redis-server']
  : ['redis-server']

export async function startRedis(options: Options = {}): Promise<RedisServer> {
  const port = await freePort()
  const folder = newServerFolder('redis')
  // Not compressed, so that what lies in a dump can be searched.
  const storing = ['--save', '', '--rdbcompression', 'no', '--appendonly', 'yes', '--appendfsync', 'everysec']
  const file = join(folder, 'sentinel.conf')
  if (options.sentinel !== undefined) writeFileSync(file, `port ${port}\nbind 127.0.0.1\ndir ${folder}\n${options.sentinel}\n`)
  const words =
    options.sentinel === undefined
      ? ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...storing, ...(options.arguments ?? [])]
      : [file, '--sentinel']
  let child: ChildProcess | undefined

  const endWithTests = () => {
    child?.kill('SIGKILL')
    endServerFolder(folder)
  }
  process.once('exit', endWithTests)

  async function start() {
    const [command = '', ...before] = UNTIL_WE_END
    const started = spawn(command, [...before, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
    child = started
    let output = ''
    started.stdout.on('data', (chunk) => {
      output += chunk
    })
    started.stderr.on('data', (chunk) => {
      output += chunk
    })
    started.once('close', () => keepWritten('redis.log', output))
    const failed = new Promise<never>((_, reject) => {
      started.once('error', (cause) => {
        reject(new Error('code' in cause && cause.code === 'ENOENT' ? MISSING : 'redis-server did not start', { cause }))
      })
      started.once('exit', (code) =>
        reject(new Error(code === NOT_FOUND ? MISSING : `redis-server ended with ${code}: ${output}`))
      )
    })
    await Promise.race([failed, answers(port)])
    failed.catch(() => undefined)
  }

  async function kill() {
    const ending = child
    child = undefined
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return
    const ended = once(ending, 'exit')
    ending.kill('SIGKILL')
    await ended
  }

  await start().catch((problem) => {
    endWithTests()
    throw problem
  })
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    nodes: [`redis://127.0.0.1:${port}`],
    folder,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    kill,
    restart(how) {
      if (how === 'empty') rmSync(join(folder, 'appendonlydir'), { recursive: true, force: true })
      return start()
    },
    async stop() {
      await kill()
      process.off('exit', endWithTests)
      endServerFolder(folder)
    }
  }
}

async function answers(port: number): Promise<void> {
  const deadline = performance.now() + 15_000
  while (performance.now() < deadline) {
    if (await pong(port)) return
    await wait(15)
  }
  throw new Error(`redis-server on port ${port} does not answer`)
}

/** Whether it answers PING, be it with the refusal of a client that gave no password. */
function pong(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    const settle = (answered: boolean) => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('data', (reply) => settle(/^(\+PONG|-NOAUTH)/.test(String(reply))))
    socket.once('error', () => settle(false))
    socket.setTimeout(1000, () => settle(false))
  })
}
