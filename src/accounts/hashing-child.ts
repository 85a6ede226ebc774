/**
 * The process that hashes passwords for its parent (hashing-process.ts), behind everything else that wants the
 * processor. It knows nothing but what it is asked, keeps nothing, and ends when its parent does.
 */
import { readdirSync } from 'node:fs'
import { setPriority } from 'node:os'
import type { HashingAnswer, HashingRequest } from './hashing.ts'
import { hashingHere } from './hashing.ts'

stepBack(Number(process.argv[2]))
// A terminal, and systemd, signal all processes at once; this one is needed until its parent has drained.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
process.on('disconnect', () => process.exit())
process.on('message', (message: HashingRequest) => void answer(message))

async function answer(request: HashingRequest): Promise<void> {
  const { number, password } = request
  try {
    const result =
      'hash' in request ? await hashingHere.verify(request.hash, password) : await hashingHere.hash(password, request.cost)
    say({ number, result })
  } catch (error) {
    say({ number, problem: error instanceof Error ? error.message : String(error) })
  }
}

function say(answered: HashingAnswer): void {
  // Without a parent there is nobody to tell.
  process.send?.(answered, () => undefined)
}

/** On Linux a thread has its own niceness, and this process has several by now; elsewhere it is the process's. */
function stepBack(niceness: number): void {
  setPriority(niceness)
  if (process.platform !== 'linux') return
  for (const thread of readdirSync('/proc/self/task')) setPriority(Number(thread), niceness)
}
