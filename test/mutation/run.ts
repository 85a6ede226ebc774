/**
 * `npm run mutation`: breaks the scope modules in every small way there is and
 * asks whether a test notices. Fails where one survives for which
 * survivors.json has no reason. Takes some minutes.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { outcomeOf, reasonsSchema } from './survivors.ts'

const root = resolve(import.meta.dirname, '../..')
const report = join(root, 'test-results/mutation.json')
const stryker = join(root, 'node_modules/@stryker-mutator/core/bin/stryker.js')

rmSync(report, { force: true })
const { status } = spawnSync(process.execPath, [stryker, 'run', 'test/mutation/stryker.config.json'], {
  cwd: root,
  stdio: 'inherit'
})
if (status !== 0) process.exit(1)
const reasons = reasonsSchema.parse(JSON.parse(readFileSync(join(import.meta.dirname, 'survivors.json'), 'utf8')))
const { mutants, killed, complaints } = outcomeOf(JSON.parse(readFileSync(report, 'utf8')), reasons)
for (const complaint of complaints) process.stdout.write(`${complaint}\n`)
process.stdout.write(`${mutants} mutants, ${killed} killed, ${mutants - killed} left, ${complaints.length} complaints\n`)
process.exitCode = complaints.length === 0 ? 0 : 1
