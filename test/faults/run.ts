/** `npm run faults -- --rounds N`: the tests of faults in their long form. Ends as they end. */
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({ options: { rounds: { type: 'string', default: '200' } }, allowPositionals: true })
if (!/^[1-9]\d*$/.test(values.rounds)) throw new Error('--rounds takes a number')
const root = resolve(import.meta.dirname, '../..')
const vitest = resolve(root, 'node_modules/vitest/vitest.mjs')
const child = spawn(process.execPath, [vitest, 'run', '--project', 'faults', ...positionals], {
  cwd: root,
  stdio: 'inherit',
  // A history of ten thousand rounds is some gigabytes.
  env: { ...process.env, FAULT_ROUNDS: values.rounds, NODE_OPTIONS: '--max-old-space-size=8192' }
})
child.once('close', (code) => {
  process.exitCode = code ?? 1
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void child.kill(signal))
