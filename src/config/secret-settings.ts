/**
 * Where values come from: `${NAME}` in any string is replaced by that
 * environment variable, and each secret setting `x` may be given as `xFile`, the
 * path of a file that holds it. Works on the tree as YAML gave it, before the
 * schema sees it, and remembers which values were not written in the file.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Path, Problem } from './config-error.ts'
import { printPath } from './config-error.ts'
import { isMapping, type Mapping } from './mapping.ts'

/** `*` is every member of a list. A list setting takes one value from each line of its file. */
export const SECRET_SETTINGS: readonly { path: readonly string[]; list?: true }[] = [
  { path: ['store'] },
  { path: ['secrets', 'sealingKeys', '*', 'key'] },
  { path: ['secrets', 'lookupKey'] },
  { path: ['secrets', 'cookieKeys'], list: true },
  { path: ['clients', '*', 'client_secret'] },
  { path: ['accounts', '*', 'password'] },
  { path: ['accounts', '*', 'totp'] }
]

export interface Sourced {
  tree: unknown
  /** Printed paths of the values that came, whole or in part, from the environment or a file. */
  outside: ReadonlySet<string>
  problems: Problem[]
}

export function isSecret(path: Path): boolean {
  return SECRET_SETTINGS.some(
    (setting) =>
      setting.path.length <= path.length &&
      setting.path.every((name, at) => (name === '*' ? typeof path[at] === 'number' : name === path[at]))
  )
}

export function readSources(given: unknown, options: { env: NodeJS.ProcessEnv; baseDir: string }): Sourced {
  const outside = new Set<string>()
  const problems: Problem[] = []

  const substitute = (value: unknown, path: Path): unknown => {
    if (Array.isArray(value)) return value.map((member, at) => substitute(member, [...path, at]))
    if (isMapping(value))
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, substitute(member, [...path, name])]))
    if (typeof value !== 'string') return value
    return value.replace(/\$\$\{|\$\{([^}]*)\}/g, (written, name: string | undefined) => {
      if (name === undefined) return '${' // '$${' is how '${' itself is written
      outside.add(printPath(path))
      const found = options.env[name]
      if (found !== undefined && found !== '') return found
      problems.push({ path, message: `the environment variable ${name} is not set` })
      return written
    })
  }

  const tree = substitute(given, [])
  const unset = new Set(problems.map(({ path }) => printPath(path)))
  for (const { path: setting, list } of SECRET_SETTINGS) {
    const name = setting.at(-1) ?? ''
    for (const { holder, path } of holders(tree, setting)) {
      const file = holder[`${name}File`]
      if (file === undefined) continue
      delete holder[`${name}File`]
      const at = [...path, name]
      const content = typeof file === 'string' ? readText(resolve(options.baseDir, file)) : undefined
      if (holder[name] !== undefined) problems.push({ path: at, message: `must not be given beside ${name}File` })
      else if (content === undefined) {
        const message = `must be a file that can be read, but is ${JSON.stringify(file)}`
        const fileAt = [...path, `${name}File`]
        // An empty message only says that the setting itself has been spoken of.
        problems.push({ path: at, message: '' }, { path: fileAt, message: unset.has(printPath(fileAt)) ? '' : message })
      } else {
        const lines = list === true ? content.split(/\r?\n/).filter((line) => line !== '') : undefined
        holder[name] = lines ?? content.replace(/\r?\n$/, '')
        for (const place of lines?.keys() ?? []) outside.add(printPath([...at, place]))
        outside.add(printPath(at))
      }
    }
  }
  return { tree, outside, problems }
}

/** The mappings that could hold the setting at `path`, with their own paths. */
export function holders(tree: unknown, path: readonly string[], before: Path = []): { holder: Mapping; path: Path }[] {
  const [name, ...rest] = path
  if (name === '*') return Array.isArray(tree) ? tree.flatMap((member, at) => holders(member, rest, [...before, at])) : []
  if (name === undefined || !isMapping(tree)) return []
  return rest.length === 0 ? [{ holder: tree, path: before }] : holders(tree[name], rest, [...before, name])
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
