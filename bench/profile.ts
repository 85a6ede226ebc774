/** Where a server's time goes, from the CPU profile that Node writes at its end: the share of each package and folder, and of the functions on top. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { PEOPLE } from './clinic.ts'
import { drive } from './load.ts'
import type { Operation } from './operations.ts'
import type { Side } from './side.ts'

export interface Profile {
  /** Name and share of the busy time, the largest first. */
  places: [string, number][]
  functions: [string, number][]
}

const profileFile = z.object({
  nodes: z.array(
    z.object({ id: z.number(), callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() }) })
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number())
})

export async function profileOf(side: Side, operation: Operation, tokens: readonly string[], folder: string): Promise<Profile> {
  const target = mkdtempSync(join(folder, 'profile-'))
  await side.restart(['--cpu-prof', `--cpu-prof-dir=${target}`])
  const { count } = operation
  const load = async (): Promise<void> => {
    const task = await operation.prepare(side, count, tokens)
    await drive({ port: side.server.port, workers: PEOPLE, task, count })
  }
  await load()
  const warm = performance.now()
  await load()
  const seconds = (performance.now() - warm) / 1000
  await side.restart()
  const [file] = readdirSync(target)
  if (!file) throw new Error('the server left no profile')
  return summaryOf(JSON.parse(readFileSync(join(target, file), 'utf8')), seconds)
}

/** Of the last seconds: neither the start nor the warming up. */
function summaryOf(text: unknown, seconds: number): Profile {
  const { nodes, samples, timeDeltas } = profileFile.parse(text)
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const places = new Map<string, number>()
  const functions = new Map<string, number>()
  let busy = 0
  let left = seconds * 1e6
  for (let at = samples.length - 1; at >= 0 && left > 0; at--) {
    const frame = frames.get(samples[at] ?? 0)
    const time = timeDeltas[at] ?? 0
    left -= time
    if (!frame || frame.functionName === '(idle)') continue
    const place = placeOf(frame)
    const name = frame.url === '' ? frame.functionName : `${frame.functionName || '(anonymous)'}, ${fileOf(frame) ?? place}`
    busy += time
    places.set(place, (places.get(place) ?? 0) + time)
    functions.set(name, (functions.get(name) ?? 0) + time)
  }
  const top = (times: Map<string, number>, length: number): [string, number][] =>
    [...times]
      .sort(([, a], [, b]) => b - a)
      .slice(0, length)
      .map(([name, time]) => [name, time / busy])
  return { places: top(places, 12), functions: top(functions, 16) }
}

function placeOf({ url, functionName }: { url: string; functionName: string }): string {
  const installed = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]
  const own = /\/(src\/(?:[^/]+))/.exec(url)?.[1]
  if (installed) return installed
  if (own) return own
  if (url.startsWith('node:')) return `node:${/^node:(?:internal\/)?([^/]+)/.exec(url)?.[1] ?? ''}`
  return functionName.startsWith('(') ? functionName : 'native'
}

/** A file of Keyward's own, with the line. */
function fileOf({ url, lineNumber }: { url: string; lineNumber: number }): string | undefined {
  const file = /\/(src\/[^?]+)$/.exec(url)?.[1]
  return file && !url.includes('node_modules') ? `${file}:${lineNumber + 1}` : undefined
}
