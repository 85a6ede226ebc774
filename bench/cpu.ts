/** What a process and a core have used, as the kernel counts it: /proc, so Linux only. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The core of the server that is measured, alone. */
export const SERVER_CORE = 0
/** The core of everything else: the load, Redis, this program. */
export const LOAD_CORE = 1

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** Puts this process, and every one that it starts, on the core of the load. */
export function stayOffTheServersCore(): void {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(LOAD_CORE), String(process.pid)], { stdio: 'ignore' })
}

/** User and system time of a process with all its threads, in seconds. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is a name in parentheses, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/**
 * Time that processes have had on a core, in seconds, and what was stolen by other machines. Without interrupts:
 * on loopback they are the load itself.
 */
export function coreSeconds(core: number): number {
  const line = readFileSync('/proc/stat', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`cpu${core} `))
  if (!line) throw new Error(`there is no core ${core}`)
  const [user = 0, nice = 0, system = 0, , , , , stolen = 0] = line.split(' ').slice(1).map(Number)
  return (user + nice + system + stolen) / ticksPerSecond
}
