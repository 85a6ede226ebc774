/**
 * Reads the configuration: YAML, then values from the environment and from
 * files, then the schema, then the rules between settings. Whatever is wrong is
 * reported together, in one ConfigError; what is returned is frozen.
 */
import { accessSync, constants, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { brokenBrandRules } from './brand-rules.ts'
import type { Config } from './config.ts'
import type { Problem } from './config-error.ts'
import { ConfigError, printPath } from './config-error.ts'
import { isMapping } from './mapping.ts'
import { outlineOf } from './outline.ts'
import { brokenProductionRules } from './production-rules.ts'
import { brokenRules } from './rules.ts'
import { configSchema } from './schema.ts'
import { schemaProblems } from './schema-problems.ts'
import { readSources } from './secret-settings.ts'

interface Options {
  env: NodeJS.ProcessEnv
  /** Where relative paths of files start. */
  baseDir: string
  /** What an error calls the text. */
  source?: string
}

export function readConfig(file: string, env: NodeJS.ProcessEnv): Config {
  return parseConfig(readText(file), { env, baseDir: dirname(resolve(file)), source: file })
}

export function parseConfig(text: string, { env, baseDir, source = 'configuration' }: Options): Config {
  const sources = readSources(parseYaml(text, source), { env, baseDir })
  if (!isMapping(sources.tree)) throw new ConfigError(source, ['must be a mapping of settings'])

  const read = configSchema.safeParse(sources.tree)
  const outline = outlineOf(sources.tree)
  // Without a clear answer to `demo`, one mistake is enough to report about it.
  const isProduction = sources.tree.demo === undefined || sources.tree.demo === false
  const problems = [
    ...(read.success ? [] : schemaProblems(read.error, sources)),
    ...brokenRules(outline),
    ...brokenBrandRules(sources.tree),
    ...(isProduction ? brokenProductionRules(outline, sources) : [])
  ]
  const config = read.success ? withTlsPaths(read.data, baseDir, problems) : undefined
  if (config === undefined || problems.length + sources.problems.length > 0)
    throw new ConfigError(source, print(problems, sources.problems))
  return freeze(config)
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
    throw new ConfigError(file, [`can't be read (${reason})`])
  }
}

function parseYaml(text: string, source: string): unknown {
  const document = parseDocument(text)
  // The first line says what and where; the rest quotes the file, which may hold secrets.
  if (document.errors.length > 0)
    throw new ConfigError(
      source,
      document.errors.map((error) => error.message.split('\n')[0] ?? error.code)
    )
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    throw new ConfigError(source, [cause instanceof Error ? cause.message : 'is not YAML'])
  }
}

/** Where a value could not even be fetched, what else is wrong with it is noise. */
function print(problems: readonly Problem[], unfetched: readonly Problem[]): string[] {
  const places = new Set(unfetched.map(({ path }) => printPath(path)))
  const others = problems.filter(({ path }) => !places.has(printPath(path)))
  const lines = [...unfetched, ...others]
    .filter(({ message }) => message !== '')
    .map(({ path, message }) => `${printPath(path)}: ${message}`)
  return [...new Set(lines)]
}

function withTlsPaths(config: Config, baseDir: string, problems: Problem[]): Config {
  const { tls } = config.listen
  if (tls === null) return config
  const readable = (name: 'certFile' | 'keyFile') => {
    const file = resolve(baseDir, tls[name])
    try {
      accessSync(file, constants.R_OK)
    } catch {
      problems.push({
        path: ['listen', 'tls', name],
        message: `must be a file that can be read, but is ${JSON.stringify(tls[name])}`
      })
    }
    return file
  }
  return { ...config, listen: { ...config.listen, tls: { certFile: readable('certFile'), keyFile: readable('keyFile') } } }
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const member of Object.values(value)) freeze(member)
  }
  return value
}
