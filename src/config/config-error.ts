/** Every mistake of a configuration at once, each as `path: what is wrong`. Values of secrets are never quoted. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(source: string, problems: readonly string[]) {
    super(
      `${source}: ${problems.length === 1 ? 'one mistake' : `${problems.length} mistakes`}\n${problems.map((line) => `  ${line}`).join('\n')}`
    )
    this.problems = problems
  }
}

export type Path = readonly (string | number)[]

export interface Problem {
  path: Path
  message: string
}

/** clients[1].redirect_uris[0] */
export function printPath(path: Path): string {
  return path.reduce<string>((printed, part) => {
    if (typeof part === 'number') return `${printed}[${part}]`
    return printed === '' ? part : `${printed}.${part}`
  }, '')
}
