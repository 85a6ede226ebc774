/**
 * One reading of one server, and pairs of them: A B, then B A, and so on, so that whatever drifts in the machine
 * drifts for both. What counts is the ratio within a pair.
 */
import type { Redis } from 'ioredis'
import { coreSeconds, cpuSecondsOf, SERVER_CORE } from './cpu.ts'
import { drive, type Task } from './load.ts'
import { type Commands, commandsOf, perOperation } from './redis-figures.ts'
import type { Server } from './servers.ts'

export interface Reading {
  /** CPU of the server, user and system, for one operation. */
  micros: number
  /** What others took of the server's core, 0 to 1. */
  others: number
  p50: number
  p99: number
  commands: Commands
}

export interface Subject {
  name: string
  server(): Server
  redis: Redis
  prepare(count: number): Promise<Task>
}

export interface Round {
  readings: Map<string, Reading>
}

export interface PairOptions {
  subjects: Subject[]
  count: number
  pairs: number
  workers: number
  /** More than this of the server's core for others, and a round does not count; 1 counts all. */
  mostOthers: number
}

export async function read(subject: Subject, count: number, workers: number): Promise<Reading> {
  const task = await subject.prepare(count)
  const { port, pid } = subject.server()
  const commands = await commandsOf(subject.redis)
  const before = { own: cpuSecondsOf(pid), core: coreSeconds(SERVER_CORE), at: performance.now() }
  const { operations, p50, p99 } = await drive({ port, workers, task, count })
  const seconds = (performance.now() - before.at) / 1000
  const own = cpuSecondsOf(pid) - before.own
  const others = Math.max(0, coreSeconds(SERVER_CORE) - before.core - own) / seconds
  const done = perOperation(commands, await commandsOf(subject.redis), operations)
  return { micros: (own / operations) * 1e6, others, p50, p99, commands: done }
}

/** Rounds in which each subject was read once, and how many were thrown away. */
export async function readInTurn(options: PairOptions): Promise<{ rounds: Round[]; discarded: number }> {
  const { subjects, count, pairs, workers, mostOthers } = options
  for (const subject of subjects) await read(subject, Math.ceil(count / 3), workers)
  const rounds: Round[] = []
  let discarded = 0
  for (let attempt = 0; rounds.length < pairs && attempt < 3 * pairs; attempt++) {
    const order = attempt % 2 === 0 ? subjects : subjects.toReversed()
    const readings = new Map<string, Reading>()
    for (const subject of order) readings.set(subject.name, await read(subject, count, workers))
    if ([...readings.values()].some(({ others }) => others > mostOthers)) discarded += 1
    else rounds.push({ readings })
  }
  if (rounds.length === 0) throw new Error('the machine is too busy with other things: no round could be counted')
  return { rounds, discarded }
}

export interface Spread {
  median: number
  min: number
  max: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const [low = Number.NaN, high = Number.NaN] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return { median: (low + high) / 2, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN }
}

export function valuesOf(rounds: readonly Round[], subject: string, value: (reading: Reading) => number): number[] {
  return rounds.flatMap(({ readings }) => {
    const reading = readings.get(subject)
    return reading ? [value(reading)] : []
  })
}

/** Of each round, one subject's value divided by another's. */
export function ratiosOf(rounds: readonly Round[], over: string, under: string, value: (reading: Reading) => number): Spread {
  const divisors = valuesOf(rounds, under, value)
  return spreadOf(valuesOf(rounds, over, value).map((dividend, at) => dividend / (divisors[at] ?? Number.NaN)))
}
