/**
 * A write counts once so many replicas have it (`?replicas=1` in the address): a failover to one of them then loses nothing
 * that was acknowledged. WAIT speaks of the writes of its own connection, so it is sent right behind the write, on the same one,
 * wherever a redirection has led it. Too few in time: the write has an unknown fate, like one that was not answered.
 */
import type { Command } from 'ioredis'

/** Sends a command on one certain connection. */
export type Ask = (name: string, ...words: (string | number)[]) => Promise<unknown>

/** In milliseconds. What was sent behind it waits as well. */
const PATIENCE = 400
/** While replicas are away: reads must not wait behind every write that fails. */
const PATIENCE_AFTER_FAILURE = 20
const FAILURE_LASTS = 1000

export interface ReplicaWrites {
  /** Resolves to the command's answer once enough replicas have what it wrote. */
  confirmed(command: Command, send: (command: Command) => unknown): Promise<unknown>
  /** Where a connection has just been sent a command; `ask` sends on the same. */
  sent(command: Command, ask: Ask): void
}

export function replicaWrites(replicas: number): ReplicaWrites {
  const awaited = new WeakMap<Command, { count: Promise<unknown> | undefined }>()
  let failedAt = Number.NEGATIVE_INFINITY
  return {
    async confirmed(command, send) {
      const one: { count: Promise<unknown> | undefined } = { count: undefined }
      awaited.set(command, one)
      send(command)
      const answer = await command.promise
      const count = Number(await one.count)
      if (count >= replicas) return answer
      failedAt = performance.now()
      throw new Error(`${count} of ${replicas} replicas have acknowledged a write`)
    },
    sent(command, ask) {
      const one = awaited.get(command)
      if (!one) return
      const hasFailed = performance.now() - failedAt < FAILURE_LASTS
      one.count = ask('wait', replicas, hasFailed ? PATIENCE_AFTER_FAILURE : PATIENCE)
      // It is asked for only where the write itself was answered.
      one.count.catch(() => undefined)
    }
  }
}
