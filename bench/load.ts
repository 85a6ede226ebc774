/** The load: so many connections, each asking as soon as it has its answer. What a task does not expect, ends the run. */
import { type Connection, openConnection } from './connection.ts'

/** One operation on one connection; throws for every answer that is not the one wanted. */
export type Task = (connection: Connection, worker: number) => Promise<void>

export interface LoadOptions {
  port: number
  workers: number
  task: Task
  /** How many operations; or for how many seconds. */
  count?: number
  seconds?: number
}

export interface LoadResult {
  operations: number
  /** Milliseconds. */
  p50: number
  p99: number
}

export async function drive({ port, workers, task, count = Infinity, seconds = 120 }: LoadOptions): Promise<LoadResult> {
  const connections = await Promise.all(Array.from({ length: workers }, () => openConnection(port)))
  const deadline = performance.now() + seconds * 1000
  const times: number[] = []
  let begun = 0
  async function work(connection: Connection, worker: number): Promise<void> {
    while (begun < count) {
      begun += 1
      const started = performance.now()
      if (started > deadline) break
      await task(connection, worker)
      times.push(performance.now() - started)
    }
  }
  try {
    await Promise.all(connections.map(work))
  } finally {
    for (const connection of connections) connection.close()
  }
  if (count !== Infinity && times.length < count) throw new Error(`only ${times.length} of ${count} were done in ${seconds} s`)
  times.sort((a, b) => a - b)
  const quantile = (q: number): number => times[Math.min(times.length - 1, Math.floor(times.length * q))] ?? Number.NaN
  return { operations: times.length, p50: quantile(0.5), p99: quantile(0.99) }
}

/** All of 0 to count-1, some at a time. */
export async function inParallel<T>(count: number, width: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < count) {
      const index = next++
      made[index] = await make(index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, count) }, work))
  return made
}
