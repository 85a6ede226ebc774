/** The schema's findings in the words of an operator: `must be ..., but is ...`, and which name was meant. */
import type { z } from 'zod'
import type { Problem } from './config-error.ts'
import { printPath } from './config-error.ts'
import { settingNames } from './json-schema.ts'
import type { Sourced } from './secret-settings.ts'
import { isSecret } from './secret-settings.ts'

const NAMES: Record<string, string> = {
  string: 'text',
  boolean: 'true or false',
  object: 'a mapping of settings',
  array: 'a list',
  number: 'a number',
  int: 'a whole number'
}

export function schemaProblems(error: z.ZodError, sources: Sourced): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((name) => ({
        path: [...path, name],
        message: `is not a setting${suggestion(name, settingNames(path))}`
      }))
    }
    const value = valueAt(sources.tree, path)
    if (value === undefined) return [{ path, message: 'is required' }]
    const message =
      issue.code === 'invalid_type' && issue.message.startsWith('Invalid input')
        ? `must be ${NAMES[issue.expected] ?? issue.expected}`
        : issue.message
    const quotable = !isSecret(path) && !sources.outside.has(printPath(path))
    return [{ path, message: message.includes('but is') ? message : `${message}${quotable ? quoted(value) : ''}` }]
  })
}

function quoted(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '' : ', but is a list'
  if (typeof value === 'object' && value !== null) return ', but is a mapping'
  const text = JSON.stringify(value)
  return `, but is ${text.length > 80 ? `${text.slice(0, 77)}...` : text}`
}

function valueAt(tree: unknown, path: Problem['path']): unknown {
  return path.reduce<unknown>(
    (value, part) => (typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined),
    tree
  )
}

function suggestion(name: string, known: readonly string[]): string {
  const near = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0]
  return near !== undefined && near.distance <= Math.max(2, name.length / 3) ? `: did you mean ${near.candidate}?` : ''
}

/** Levenshtein's, row by row. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const above = row
    row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(change, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
  }
  return row[b.length] ?? 0
}
