/** How long an app waits for its tokens while people sign in: passwords are slow to check on purpose. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { drive } from './load.ts'
import { refreshWithoutIdToken } from './operations.ts'
import { type Spread, spreadOf } from './readings.ts'
import type { Side } from './side.ts'

export interface DuringSignIns {
  /** Milliseconds. */
  quiet: Spread
  during: Spread
  ratio: Spread
  signInsPerSecond: Spread
}

export const SIGN_INS_AT_ONCE = 8
/** Of the app: a server with time to spare, as it is where answers are waited for. */
export const APPS_AT_ONCE = 4
const SECONDS = 5

export async function measureDuringSignIns(side: Side, pairs: number): Promise<DuringSignIns> {
  const all: Record<'quiet' | 'during' | 'rate', number[]> = { quiet: [], during: [], rate: [] }
  for (let pair = 0; pair < pairs; pair++) {
    all.quiet.push(await p99Of(side))
    const people = spawn(process.execPath, [
      join(import.meta.dirname, 'sign-ins.ts'),
      String(side.server.port),
      String(SIGN_INS_AT_ONCE)
    ])
    const endWithBench = (): void => void people.kill('SIGKILL')
    process.once('exit', endWithBench)
    const started = performance.now()
    let said = ''
    people.stdout.on('data', (chunk) => {
      said += chunk
    })
    people.stderr.pipe(process.stderr)
    // They are all under way after a second.
    await drive({ port: side.server.port, workers: 1, task: await refreshWithoutIdToken.prepare(side, 1, []), seconds: 1 })
    all.during.push(await p99Of(side))
    const closed = once(people, 'close')
    people.stdin.end()
    const [code] = await closed
    process.off('exit', endWithBench)
    if (code !== 0) throw new Error(`signing in failed: ${code}`)
    all.rate.push((Number(said) / (performance.now() - started)) * 1000)
  }
  return {
    quiet: spreadOf(all.quiet),
    during: spreadOf(all.during),
    ratio: spreadOf(all.during.map((value, pair) => value / (all.quiet[pair] ?? Number.NaN))),
    signInsPerSecond: spreadOf(all.rate)
  }
}

async function p99Of(side: Side): Promise<number> {
  const task = await refreshWithoutIdToken.prepare(side, APPS_AT_ONCE, [])
  const { p99 } = await drive({ port: side.server.port, workers: APPS_AT_ONCE, task, seconds: SECONDS })
  return p99
}
