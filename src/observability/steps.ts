/**
 * Tells whoever watches this process that a step of its work has been reached. In production nobody does: the tests of
 * faults subscribe, from outside, to end the process just there (test/faults). Nothing here, and
 * nothing that calls it, can fail by it.
 */
import { channel } from 'node:diagnostics_channel'

const steps = channel('keyward:step')

export function reached(step: string): void {
  if (steps.hasSubscribers) steps.publish(step)
}
