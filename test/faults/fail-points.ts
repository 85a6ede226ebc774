/** The steps of src/ at which a process can be made to die, read from the source: no list that could fall behind it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const SOURCE = resolve(import.meta.dirname, '../../src')
const CALL = /\breached\(\s*([^)]*)\)/g
const NAME = /'([a-z-]+:[a-z-]+)'/g

/** `code:spent` and so on, sorted. Throws for one whose name is not written where it is reached: nobody could list it. */
export function failPoints(): string[] {
  const files = readdirSync(SOURCE, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && entry.name !== 'steps.ts')
    .map((entry) => join(entry.parentPath, entry.name))
  return [...new Set(files.flatMap((file) => namesIn(readFileSync(file, 'utf8'))))].sort()
}

export function namesIn(text: string): string[] {
  return [...text.matchAll(CALL)].flatMap(([call, argument = '']) => {
    const names = [...argument.matchAll(NAME)].map(([, name = '']) => name)
    if (names.length === 0) throw new Error(`${call} names no step as 'work:step'`)
    return names
  })
}

/** What the step belongs to: the part before the colon. */
export function workOf(failPoint: string): string {
  return failPoint.split(':')[0] ?? ''
}
