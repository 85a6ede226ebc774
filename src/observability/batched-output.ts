/**
 * Where the log's lines go: a file descriptor, many lines with one write, since a line for each request costs more in
 * writing than in making. A line waits for a moment at most; with one that warns all that wait are written at once, and so
 * they are when the process ends, however it does, short of being killed.
 */
import { writeSync } from 'node:fs'
import { pino } from 'pino'

/** In milliseconds. */
const MOMENT = 100
const ENOUGH = 64 * 1024
/** So much is kept for a reader that is slow, before the process waits for it. */
const MOST_KEPT = 8 * 1024 * 1024
const LAST_PATIENCE = 2000
const WARNING = 40

export interface BatchedOutput {
  write(line: string): void
  /** What pino sets before it writes a line, as it is asked to. */
  lastLevel: number
  [pino.symbols.needsMetadataGsym]: true
}

export function batchedOutput(fd: number): BatchedOutput {
  let lines = ''
  /** Of what was tried to be written before. */
  let rest = Buffer.alloc(0)
  let timer: NodeJS.Timeout | undefined

  function flush(patience: number): void {
    clearTimeout(timer)
    timer = undefined
    rest = Buffer.concat([rest, Buffer.from(lines)])
    lines = ''
    const deadline = performance.now() + patience
    while (rest.length > 0) {
      try {
        rest = rest.subarray(writeSync(fd, rest))
      } catch (problem) {
        // Nobody reads any more, or the disk is full: there is nowhere to say so.
        if (!isBusy(problem)) rest = Buffer.alloc(0)
        else if (performance.now() >= deadline) break
        else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
      }
    }
    if (rest.length > 0) writeSoon()
  }

  function writeSoon(): void {
    timer ??= setTimeout(() => flush(rest.length > MOST_KEPT ? LAST_PATIENCE : 0), MOMENT).unref()
  }

  process.on('exit', () => flush(LAST_PATIENCE))
  return {
    lastLevel: 0,
    [pino.symbols.needsMetadataGsym]: true,
    write(line) {
      lines += line
      if (this.lastLevel >= WARNING || lines.length > ENOUGH) flush(0)
      else writeSoon()
    }
  }
}

/** A pipe whose reader takes no more for now. */
function isBusy(problem: unknown): boolean {
  return problem instanceof Error && 'code' in problem && problem.code === 'EAGAIN'
}
