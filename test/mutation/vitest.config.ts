import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      'test/unit/smart-scopes/*.test.ts',
      'test/unit/smart/scope-policy*.test.ts',
      'test/unit/smart/person-policy.test.ts'
    ],
    environment: 'node',
    // A mutant may make a property find its counterexample slowly, or never end.
    testTimeout: 30_000
  }
})
