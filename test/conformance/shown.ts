/** Which tests of a vitest report carry the id of a requirement, and whether they passed. A pure module. */
import { relative } from 'node:path'
import { z } from 'zod'

const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      assertionResults: z.array(z.object({ title: z.string(), fullName: z.string(), status: z.string() }))
    })
  )
})

export interface ShownBy {
  /** Relative to the repository. */
  file: string
  /** The test's name without the ids in front of it. */
  title: string
  passed: boolean
  /** Whether the test itself carries the id, and not only the group that it is in. */
  own: boolean
}

/** One id, or the first and the last of several. */
const IDS = /\bSM-(\d{3})(?: to SM-(\d{3}))?\b/g
const PREFIX = /^(?:(?:SM-\d{3}(?: to SM-\d{3})?|case \d+|mistake \d+|F\d+)(?:, | and |: ))+/

/** By id; of one file first those that carry it themselves. A test that was left out by its name's pattern is none; the same name on several stores is one. */
export function shownBy(report: unknown, root: string): Map<string, ShownBy[]> {
  const shown = new Map<string, Map<string, ShownBy>>()
  for (const { name, assertionResults } of reportSchema.parse(report).testResults) {
    const file = relative(root, name).replaceAll('\\', '/')
    for (const { title, fullName, status } of assertionResults) {
      if (status === 'skipped' || status === 'pending' || status === 'todo') continue
      for (const id of idsIn(fullName)) {
        const tests = shown.get(id) ?? new Map<string, ShownBy>()
        const plain = title.replace(PREFIX, '').replace(/\s+/g, ' ')
        const key = `${file} ${plain}`
        const { passed = true, own = false } = tests.get(key) ?? {}
        tests.set(key, { file, title: plain, passed: passed && status === 'passed', own: own || idsIn(title).has(id) })
        shown.set(id, tests)
      }
    }
  }
  return new Map([...shown].map(([id, tests]) => [id, [...tests.values()].sort(byPlace)]))
}

function idsIn(name: string): Set<string> {
  const ids = new Set<string>()
  for (const [, first = '', last = first] of name.matchAll(IDS))
    for (let number = Number(first); number <= Number(last); number++) ids.add(`SM-${String(number).padStart(3, '0')}`)
  return ids
}

function byPlace(one: ShownBy, other: ShownBy): number {
  return compare(one.file, other.file) || Number(other.own) - Number(one.own) || compare(one.title, other.title)
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
