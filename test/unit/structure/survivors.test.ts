import { expect, test } from 'vitest'
import { outcomeOf } from '../../mutation/survivors.ts'

const report = (...statuses: string[]) => ({
  files: {
    'src/a.ts': {
      source: 'one()\n  two()\n',
      mutants: statuses.map((status, index) => ({
        status,
        mutatorName: 'BlockStatement',
        replacement: '{}',
        location: { start: { line: index + 1 } }
      }))
    }
  }
})
const reason = { file: 'src/a.ts', line: 'two()', reason: 'nothing that it does can be seen from outside' }

test.each<[string, unknown, (typeof reason)[], Awaited<ReturnType<typeof outcomeOf>>]>([
  ['killed', report('Killed', 'Timeout'), [], { mutants: 2, killed: 2, complaints: [] }],
  ['alive for a reason', report('Killed', 'Survived'), [reason], { mutants: 2, killed: 1, complaints: [] }],
  [
    'never reached',
    report('Killed', 'NoCoverage'),
    [],
    { mutants: 2, killed: 1, complaints: ['survived: src/a.ts: two() (BlockStatement: {})'] }
  ],
  [
    'alive in another line',
    report('Survived'),
    [reason],
    {
      mutants: 1,
      killed: 0,
      complaints: ['survived: src/a.ts: one() (BlockStatement: {})', 'a reason without a survivor: src/a.ts: two()']
    }
  ],
  ['none', report(), [], { mutants: 0, killed: 0, complaints: ['there are no mutants'] }]
])('of mutants that are %s', (_what, given, reasons, expected) => {
  expect(outcomeOf(given, reasons)).toEqual(expected)
})
