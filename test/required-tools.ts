/** The programs that tests drive and npm does not bring: a Redis and a Chromium of the machine. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

interface Tool {
  name: string
  /** The names under which systems install it. */
  commands: readonly string[]
  debianPackages: readonly string[]
  advice: string
}

export const REDIS: Tool = {
  name: 'Redis',
  commands: ['redis-server'],
  debianPackages: ['redis-server'],
  advice: 'apt-get install redis-server, brew install redis, or redis.io/docs'
}

export const CHROMIUM: Tool = {
  name: 'Chromium',
  commands: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'],
  debianPackages: ['chromium', 'fonts-dejavu-core'],
  advice: 'apt-get install chromium, brew install --cask chromium, or a Chrome that is found as google-chrome'
}

/** The path of the first of its commands that PATH knows. */
export function findTool({ commands }: Tool, path = process.env.PATH ?? ''): string | undefined {
  return commands.flatMap((command) => path.split(delimiter).map((folder) => join(folder, command))).find(isExecutable)
}

/** True when all are there. Debian's package manager is asked where we may; elsewhere a line for each says what to do. */
export function ensureTools(tools: readonly Tool[], say: (line: string) => void): boolean {
  const missing = tools.filter((tool) => findTool(tool) === undefined)
  if (missing.length > 0 && existsSync('/etc/debian_version') && process.getuid?.() === 0) {
    installFromDebian(
      missing.flatMap((tool) => tool.debianPackages),
      say
    )
  }
  const stillMissing = tools.filter((tool) => findTool(tool) === undefined)
  for (const { name, commands, advice } of stillMissing) say(`${name} (${commands[0]}) is missing: ${advice}`)
  return stillMissing.length === 0
}

function installFromDebian(packages: readonly string[], say: (line: string) => void): void {
  // The packages' own services are of no use here: a runlevel of 1 keeps them from being started.
  const options = { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' } } as const
  for (const line of [['update'], ['install', '--yes', '--no-install-recommends', ...packages]]) {
    say(`apt-get ${line.join(' ')}`)
    if (spawnSync('apt-get', line, options).status !== 0) return
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
