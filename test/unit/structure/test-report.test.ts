import { expect, test } from 'vitest'
import { outcomeOf } from '../../test-report.ts'

const file = (status: string, ...statuses: string[]) => ({
  name: 'a.test.ts',
  status,
  assertionResults: statuses.map((one, at) => ({ fullName: `test ${at}`, status: one }))
})
const report = (success: boolean, ...testResults: ReturnType<typeof file>[]) => {
  const all = testResults.flatMap(({ assertionResults }) => assertionResults)
  const count = (status: string) => all.filter((one) => one.status === status).length
  return { success, numPassedTests: count('passed'), numFailedTests: count('failed'), testResults }
}

test.each([
  ['all passed', report(true, file('passed', 'passed', 'passed')), [], { passed: 2, failed: 0, complaints: [] }],
  ['one failed', report(false, file('failed', 'passed', 'failed')), [], { passed: 1, failed: 1, complaints: [] }],
  [
    'one skipped',
    report(true, file('passed', 'passed', 'skipped')),
    [],
    { passed: 1, failed: 1, complaints: ['skipped: test 1'] }
  ],
  ['one to do', report(true, file('passed', 'passed', 'todo')), [], { passed: 1, failed: 1, complaints: ['skipped: test 1'] }],
  [
    'a file that does not load',
    report(false, file('failed'), file('passed', 'passed')),
    [],
    { passed: 1, failed: 1, complaints: ['could not be run: a.test.ts'] }
  ],
  [
    'an error outside of the tests',
    report(false, file('passed', 'passed')),
    [],
    { passed: 1, failed: 1, complaints: ['failed: an error outside of every test'] }
  ],
  ['a failed check', report(true, file('passed', 'passed')), ['lint'], { passed: 1, failed: 1, complaints: ['failed: lint'] }],
  ['no tests', report(true), [], { passed: 0, failed: 1, complaints: ['failed: there are no tests'] }],
  ['no report', undefined, [], { passed: 0, failed: 1, complaints: ['failed: the tests gave no report'] }]
])('%s', (_, given, checks, outcome) => {
  expect(outcomeOf(given, checks)).toEqual(outcome)
})
