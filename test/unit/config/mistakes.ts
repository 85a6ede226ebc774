/** A complete configuration for tests to spoil: `problemsOf({ issuer: 'nope' })` names what is then wrong with it. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse, stringify } from 'yaml'
import { ConfigError } from '../../../src/config/config-error.ts'
import { parseConfig } from '../../../src/config/read-config.ts'

export const completeDemo = readFileSync(resolve(import.meta.dirname, 'complete-demo.yaml'), 'utf8')

export interface Given {
  env?: NodeJS.ProcessEnv
  baseDir?: string
}

export function problemsOfText(text: string, { env = {}, baseDir = import.meta.dirname }: Given = {}): readonly string[] {
  try {
    parseConfig(text, { env, baseDir })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

/** Of the complete demo configuration with one value changed; a path is a list of names and places. */
export function problemsWith(path: readonly (string | number)[], value: unknown, given: Given = {}): readonly string[] {
  return problemsOfText(stringify(changed(parse(completeDemo), path, value)), given)
}

function changed(tree: unknown, [part, ...rest]: readonly (string | number)[], value: unknown): unknown {
  if (part === undefined) return value
  if (Array.isArray(tree)) return tree.map((member, at) => (at === part ? changed(member, rest, value) : member))
  const holder = typeof tree === 'object' && tree !== null ? tree : {}
  return { ...holder, [part]: changed(Reflect.get(holder, part), rest, value) }
}
