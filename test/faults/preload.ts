/**
 * Runs inside a Keyward under test, before it (`--import`): moves its clock, and ends it, or freezes another process, at a
 * step that it reaches (src/observability/steps.ts), all as the test says by messages. Without this file Keyward can do neither.
 */
import { subscribe } from 'node:diagnostics_channel'
import { z } from 'zod'

const order = z.union([
  /** Ends the process when this step is reached for the n-th time from now on. */
  z.strictObject({ dieAt: z.string(), nth: z.int().min(1) }),
  /** Stops the process with this id when this step is reached. */
  z.strictObject({ freezeAt: z.string(), pid: z.int() }),
  /** From now on the clock is so many milliseconds off. */
  z.strictObject({ clockOff: z.number() }),
  z.strictObject({ stepsReached: z.literal(true) })
])

let fatal: { step: string; left: number } | undefined
let freezing: { step: string; pid: number } | undefined
const counts = new Map<string, number>()

subscribe('keyward:step', (step) => {
  const name = String(step)
  counts.set(name, (counts.get(name) ?? 0) + 1)
  if (freezing?.step === name) {
    process.kill(freezing.pid, 'SIGSTOP')
    freezing = undefined
  }
  if (fatal?.step !== name) return
  fatal.left -= 1
  // Nothing after this line happens: the signal can't be caught, and comes before the call returns.
  if (fatal.left === 0) process.kill(process.pid, 'SIGKILL')
})

const RealDate = Date
let off = 0
class MovedDate extends RealDate {
  constructor(...given: [] | [number | string | Date]) {
    if (given.length === 0) super(MovedDate.now())
    else super(...given)
  }
  static override now(): number {
    return RealDate.now() + off
  }
}
Object.defineProperty(globalThis, 'Date', { value: MovedDate, writable: true, configurable: true })

process.on('message', (message) => {
  const given = order.parse(message)
  if ('dieAt' in given) {
    fatal = { step: given.dieAt, left: given.nth }
    process.send?.('armed')
  } else if ('freezeAt' in given) {
    freezing = { step: given.freezeAt, pid: given.pid }
    process.send?.('armed')
  } else if ('clockOff' in given) {
    off = given.clockOff
    process.send?.('moved')
  } else {
    process.send?.(Object.fromEntries(counts))
    counts.clear()
  }
})
// The test may end first, and Keyward ends when it is told to.
process.channel?.unref()
