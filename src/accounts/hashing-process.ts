/**
 * Hashes passwords in a process of its own that steps back before this one: within it, eight people signing in would
 * make every app wait for its tokens. It is started when it is first needed, and again when it has ended; what it was
 * doing then has no outcome. Passwords go to it over its channel and nowhere else.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type Hashing, type HashingAnswer, HashingInterrupted, type HashingRequest, type HashingWork } from './hashing.ts'

const CHILD = fileURLToPath(new URL('./hashing-child.ts', import.meta.url))
/** Tokens come first, and sign-ins still get their share of a core that is busy: docs/decisions/sign-in.md has the figures. */
const NICENESS = 7
/** Each takes 19 MiB while it is made. */
const MOST_AT_ONCE = 4
/** In milliseconds. A process that has not answered for so long is ended: it hangs. */
const PATIENCE = 20_000
/** In milliseconds: one that ends at once is not started over and over. */
const BETWEEN_STARTS = 1000

interface Options {
  niceness?: number
  atOnce?: number
  patience?: number
  /** Told that the process ended by itself, and how many passwords were not checked. */
  onEnded: (unchecked: number, reason: string) => void
}

interface HashingProcess extends Hashing {
  pid(): number | undefined
  /** How many passwords it has been given and not answered yet. */
  waiting(): number
}

export function createHashingProcess(options: Options): HashingProcess {
  const { niceness = NICENESS, atOnce = Math.min(availableParallelism(), MOST_AT_ONCE), patience = PATIENCE, onEnded } = options
  const waiting = new Map<number, PromiseWithResolvers<string | boolean>>()
  let child: ChildProcess | undefined
  let startedAt = Number.NEGATIVE_INFINITY
  let number = 0
  let closed = false

  function start(): ChildProcess {
    if (closed) throw new HashingInterrupted('hashing has ended')
    if (performance.now() - startedAt < BETWEEN_STARTS) throw new HashingInterrupted('hashing has just ended')
    startedAt = performance.now()
    const started = fork(CHILD, [String(niceness)], {
      serialization: 'advanced',
      // Nothing of ours: neither flags of the debugger or profiler, nor the secrets of the environment.
      execArgv: [],
      env: { UV_THREADPOOL_SIZE: String(atOnce) },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc']
    })
    started.on('message', (answer: HashingAnswer) => {
      const asked = waiting.get(answer.number)
      waiting.delete(answer.number)
      if ('result' in answer) asked?.resolve(answer.result)
      else asked?.reject(new Error(answer.problem))
    })
    const ended = (reason: string): void => {
      if (child !== started) return
      child = undefined
      const unchecked = [...waiting.values()]
      waiting.clear()
      for (const asked of unchecked) asked.reject(new HashingInterrupted(reason))
      if (!closed) onEnded(unchecked.length, reason)
    }
    started.once('exit', (code, signal) => ended(`the process that hashes passwords ended: ${signal ?? code}`))
    started.once('error', (error) => ended(`the process that hashes passwords can not be started: ${error.message}`))
    return started
  }

  async function ask(work: HashingWork): Promise<string | boolean> {
    child ??= start()
    const asked = child
    number += 1
    const outcome = Promise.withResolvers<string | boolean>()
    waiting.set(number, outcome)
    // A channel that has closed is followed by the end of the process, which says so to everybody who waits.
    const request: HashingRequest = { ...work, number }
    asked.send(request, () => undefined)
    const late = setTimeout(() => asked.kill('SIGKILL'), patience)
    try {
      return await outcome.promise
    } finally {
      clearTimeout(late)
    }
  }

  return {
    atOnce,
    pid: () => child?.pid,
    waiting: () => waiting.size,
    async hash(password, cost) {
      return String(await ask({ password, cost }))
    },
    async verify(hash, password) {
      return (await ask({ password, hash })) === true
    },
    async close() {
      closed = true
      const ending = child
      if (!ending || ending.exitCode !== null || ending.signalCode !== null) return
      const gone = once(ending, 'exit')
      // It has nothing to bring in order, and may hang.
      ending.kill('SIGKILL')
      await gone
    }
  }
}
