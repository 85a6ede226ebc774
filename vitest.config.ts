import { readdirSync, readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

const project = (name: string, include: string[], options: object = {}) => ({
  test: { name, include, environment: 'node', ...options }
})

/** The flow tests that run on every store. */
const everyStore = readdirSync('test/flows')
  .map((name) => `test/flows/${name}`)
  .filter((file) => file.endsWith('.test.ts') && readFileSync(file, 'utf8').includes('describe.each(STORES)'))

export default defineConfig({
  test: {
    // One test at a time in each file, files side by side: two of them, because the servers that they start work as well.
    maxWorkers: 2,
    projects: [
      project('unit', ['test/unit/**/*.test.ts'], { testTimeout: 10_000 }),
      project('store', ['test/store/**/*.test.ts'], { testTimeout: 20_000, hookTimeout: 30_000 }),
      project('flows', ['test/flows/**/*.test.ts'], { testTimeout: 60_000, hookTimeout: 60_000 }),
      project('conformance', ['test/conformance/**/*.test.ts'], { testTimeout: 60_000, hookTimeout: 60_000 }),
      project('flows on a cluster', everyStore, {
        env: { KEYWARD_FLOWS_ON: 'redis-cluster' },
        testTimeout: 60_000,
        hookTimeout: 120_000
      }),
      project('faults', ['test/faults/**/*.test.ts'], { testTimeout: 60_000, hookTimeout: 60_000 }),
      project('e2e', ['test/e2e/**/*.test.ts'], { testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false })
    ]
  }
})
