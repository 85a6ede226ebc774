/**
 * `npm test`: the tools that tests need, then types, lint, every test, the
 * search for secrets and the rows of docs/conformance.md, each even where one
 * before it failed. Ends with the line `N passed, N failed`.
 * With `--report <file>` the report of the tests is kept there.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { conformanceOf, staleComplaint } from './conformance/outcome.ts'
import { RUN_FOLDER } from './harness/run-folder.ts'
import { CHROMIUM, ensureTools, REDIS } from './required-tools.ts'
import { scanRun } from './secret-scan.ts'
import { outcomeOf } from './test-report.ts'

const root = resolve(import.meta.dirname, '..')
const say = (line: string) => process.stdout.write(`${line}\n`)

if (Number(process.versions.node.split('.')[0]) < 24) {
  say(`The tests run on Node 24, and this is ${process.version}: start them with npm test, which brings its own.`)
  process.exit(1)
}
if (!ensureTools([REDIS, CHROMIUM], say)) process.exit(1)

/** Runs one of the installed programs on this Node; true where it ends well. A signal to us is passed on, and ends everything. */
function runs(script: string, ...words: string[]): Promise<boolean> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [resolve(root, 'node_modules', script), ...words], { cwd: root, stdio: 'inherit' })
    let stopped: 'SIGINT' | 'SIGTERM' | undefined
    const stop = (signal: 'SIGINT' | 'SIGTERM') => {
      stopped = signal
      child.kill(signal)
    }
    process.on('SIGINT', stop).on('SIGTERM', stop)
    child.once('error', fail).once('close', (code) => {
      process.off('SIGINT', stop).off('SIGTERM', stop)
      if (stopped !== undefined) process.exit(128 + constants.signals[stopped])
      done(code === 0)
    })
  })
}

const failedChecks: string[] = []
say('Types')
if (!(await runs('typescript/bin/tsc'))) failedChecks.push('the type check (tsc)')
say('Lint')
if (!(await runs('@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.')))
  failedChecks.push('lint and format (biome check)')

const folder = mkdtempSync(join(tmpdir(), 'keyward-test-'))
const { report: kept } = parseArgs({ options: { report: { type: 'string' } } }).values
const file = kept === undefined ? join(folder, 'report.json') : resolve(kept)
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true })
})
// From here on what the servers of the tests write stays there until it has been searched.
process.env[RUN_FOLDER] = folder
const testsEndedWell = await runs(
  'vitest/vitest.mjs',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${file}`
)

for (const problem of scanRun(folder, say)) failedChecks.push(`the search for secrets in what the servers wrote: ${problem}`)

const report = readReport()
failedChecks.push(...checkConformance())

const { passed, failed, complaints } = outcomeOf(report, failedChecks)
for (const complaint of complaints) say(complaint)
say(`${passed} passed, ${failed} failed`)
process.exitCode = testsEndedWell && failed === 0 ? 0 : 1

function readReport(): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** Counted once, however many rows: a test that failed is counted already. */
function checkConformance(): string[] {
  say('Conformance')
  try {
    const { complaints, stale, summary } = conformanceOf(report, root)
    for (const complaint of complaints) say(complaint)
    if (stale.length > 0) say(staleComplaint(stale))
    say(summary)
    return complaints.length + stale.length > 0 ? ['the requirements (docs/conformance.md), as said above'] : []
  } catch (error) {
    // Without a report, or without its rows; the last line is printed all the same.
    return [`the requirements could not be read: ${error instanceof Error ? error.message : error}`]
  }
}
