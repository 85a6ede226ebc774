/** What vitest's JSON report says, in the numbers and lines that `npm test` ends with. */
import { z } from 'zod'

const reportSchema = z.object({
  success: z.boolean(),
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() }))
    })
  )
})

export interface Outcome {
  passed: number
  failed: number
  /** Why a run without a failed test is no success. */
  complaints: string[]
}

/** A test that was skipped, a file that could not be run and a failed check each count as one failure. */
export function outcomeOf(report: unknown, failedChecks: readonly string[]): Outcome {
  const checks = failedChecks.map((check) => `failed: ${check}`)
  const read = reportSchema.safeParse(report)
  if (!read.success) return { passed: 0, failed: checks.length + 1, complaints: [...checks, 'failed: the tests gave no report'] }

  const { success, numPassedTests, numFailedTests, testResults } = read.data
  const skipped = testResults.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ status }) => status !== 'passed' && status !== 'failed')
      .map(({ fullName }) => `skipped: ${fullName}`)
  )
  const broken = testResults
    .filter(({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'))
    .map(({ name }) => `could not be run: ${name}`)
  const none = numPassedTests + numFailedTests === 0 ? ['failed: there are no tests'] : []
  const complaints = [...checks, ...skipped, ...broken, ...none]
  const unexplained = !success && numFailedTests + complaints.length === 0 ? ['failed: an error outside of every test'] : []
  return {
    passed: numPassedTests,
    failed: numFailedTests + complaints.length + unexplained.length,
    complaints: [...complaints, ...unexplained]
  }
}
