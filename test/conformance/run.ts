/**
 * `npm run conformance`: runs the tests whose names carry ids of requirements,
 * and writes docs/conformance.md. Fails where a requirement that must be shown
 * is not.
 *
 *   --report <file>   takes the JSON report of tests that have run already
 *   --check           compares the page with what it should be, and writes nothing
 *   --deep            tries each property of the scopes 100,000 times
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CHROMIUM, ensureTools, REDIS } from '../required-tools.ts'
import { sourcesUnder } from '../unit/structure/sources.ts'
import { conformanceOf, PAGE, staleComplaint } from './outcome.ts'

const root = resolve(import.meta.dirname, '../..')
const say = (line: string) => process.stdout.write(`${line}\n`)

const { values: options } = parseArgs({
  options: { report: { type: 'string' }, check: { type: 'boolean' }, deep: { type: 'boolean' } }
})

const report = options.report === undefined ? runTests() : readReport(options.report)
const { made, complaints, stale, summary } = conformanceOf(report, root)
for (const complaint of complaints) say(complaint)
if (!options.check) writeFileSync(join(root, PAGE), made)
else if (stale.length > 0) say(staleComplaint(stale))
say(summary)
process.exitCode = complaints.length > 0 || (options.check && stale.length > 0) ? 1 : 0

/** Only files in which an id is written are begun, and of those only the tests that carry one are run. */
function runTests(): unknown {
  if (!ensureTools([REDIS, CHROMIUM], say)) process.exit(1)
  const files = sourcesUnder('test')
    .filter(({ file, text }) => file.endsWith('.test.ts') && /\bSM-\d{3}\b/.test(text))
    .map(({ file }) => file)
  const folder = mkdtempSync(join(tmpdir(), 'keyward-conformance-'))
  const file = join(folder, 'report.json')
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  // What the flows show on a Cluster as well is for npm test.
  const words = [
    'run',
    '--project=!flows on a cluster',
    '-t',
    'SM-\\d{3}',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
    ...files
  ]
  const env = options.deep ? { ...process.env, KEYWARD_CASES: '100000' } : process.env
  try {
    spawnSync(process.execPath, [vitest, ...words], { cwd: root, stdio: 'inherit', env })
    return readReport(file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readReport(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'))
}
