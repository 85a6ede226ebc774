import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { conformanceOf, staleComplaint } from '../../conformance/outcome.ts'
import { complaintsAbout, conformancePage, missingFrom, staleRows } from '../../conformance/page.ts'
import { COUNT, isRequired, type Requirement, readRequirements } from '../../conformance/requirements.ts'
import { shownBy } from '../../conformance/shown.ts'
import { root, sourcesUnder } from './sources.ts'

const yaml = readFileSync(join(root, 'docs/requirements.yaml'), 'utf8')
const requirements = readRequirements(yaml)

describe('the requirements', () => {
  test('are all there, in order', () => {
    expect(requirements).toHaveLength(COUNT)
    expect(requirements.at(-1)?.id).toBe(`SM-${COUNT}`)
  })

  test.each<[string, (rows: Record<string, unknown>[]) => unknown]>([
    ['one is missing', (rows) => rows.splice(7, 1)],
    ['one is there twice', (rows) => rows.splice(7, 1, { ...rows[6] })],
    ['one has a level that is none', (rows) => Object.assign(rows[0] ?? {}, { level: 'MUST' })],
    ['one has a member that is none', (rows) => Object.assign(rows[0] ?? {}, { test: 'x' })],
    ['one is somebody else’s for no reason', (rows) => Object.assign(rows[0] ?? {}, { duty: 'app' })],
    ['one that must be shown is excused', (rows) => Object.assign(rows[0] ?? {}, { reason: 'not offered at all' })]
  ])('are refused where %s', (_what, change) => {
    const rows: Record<string, unknown>[] = parse(yaml)
    change(rows)
    expect(() => readRequirements(stringify(rows))).toThrow()
  })

  test('are what docs/conformance.md says', () => {
    const told = conformancePage({ requirements, tests: new Map() })
    const columns = (text: string) =>
      text
        .split('\n')
        .filter((line) => line.startsWith('| SM-'))
        .map((line) => line.split(' | ').slice(0, 5))
    expect(columns(readFileSync(join(root, 'docs/conformance.md'), 'utf8'))).toEqual(columns(told))
  })

  test('are all that tests name', () => {
    const known = new Set(requirements.map(({ id }) => id))
    const named = sourcesUnder('test/unit/smart', 'test/unit/smart-scopes', 'test/unit/oidc', 'test/flows', 'test/conformance')
    expect(named.flatMap(({ text }) => text.match(/\bSM-\d{3}\b/g) ?? []).filter((id) => !known.has(id))).toEqual([])
  })
})

test('each of the 35 mistakes that authorization servers are known for is named by a test', () => {
  const text = sourcesUnder('test')
    .filter(({ file }) => file.endsWith('.test.ts') && !file.startsWith('test/unit/structure/'))
    .map(({ text }) => text)
    .join('\n')
  const named = new Set([...text.matchAll(/['`][^'`\n]*\bmistake (\d+)\b/g)].map(([, number]) => Number(number)))
  expect([...named].sort((one, other) => one - other)).toEqual(Array.from({ length: 35 }, (_, at) => at + 1))
})

const report = (...tests: [title: string, status: string, group?: string][]) => ({
  testResults: [
    {
      name: '/repository/test/a.test.ts',
      assertionResults: tests.map(([title, status, group = '']) => ({ title, status, fullName: `${group} ${title}` }))
    }
  ]
})

describe('what tests show', () => {
  test.each<[string, unknown, [id: string, title: string, passed: boolean][]]>([
    ['one', report(['SM-001: a', 'passed']), [['SM-001', 'a', true]]],
    [
      'several ids',
      report(['case 4, SM-001, SM-002: a', 'passed']),
      [
        ['SM-001', 'a', true],
        ['SM-002', 'a', true]
      ]
    ],
    [
      'the first and the last of several ids',
      report(['SM-001 to SM-003, mistake 4: a', 'passed']),
      [
        ['SM-001', 'a', true],
        ['SM-002', 'a', true],
        ['SM-003', 'a', true]
      ]
    ],
    ['the id of a group', report(['a', 'passed', 'SM-001: b']), [['SM-001', 'a', true]]],
    ['one on two stores', report(['SM-001: a', 'passed', 'sqlite'], ['SM-001: a', 'passed', 'redis']), [['SM-001', 'a', true]]],
    ['one that fails on one of them', report(['SM-001: a', 'failed'], ['SM-001: a', 'passed']), [['SM-001', 'a', false]]],
    ['one that was left out', report(['SM-001: a', 'skipped'], ['b', 'passed']), []]
  ])('%s', (_what, given, expected) => {
    const shown = [...shownBy(given, '/repository')]
    expect(shown.flatMap(([id, tests]) => tests.map(({ title, passed }) => [id, title, passed]))).toEqual(expected)
    expect(shown.flatMap(([, tests]) => tests.map(({ file }) => file)).every((file) => file === 'test/a.test.ts')).toBe(true)
  })
})

test('a test that carries an id itself is named before those that have it from their group', () => {
  const shown = shownBy(report(['a', 'passed', 'SM-001: group'], ['SM-001: b', 'passed', 'SM-001: group']), '/repository')
  expect(shown.get('SM-001')?.map(({ title }) => title)).toEqual(['b', 'a'])
})

describe('what is missing', () => {
  const row = (changes: Partial<Requirement>): Requirement => ({
    id: 'SM-001',
    level: 'SHALL',
    duty: 'authorization-server',
    requirement: 'something',
    observable: 'somewhere',
    ...changes
  })
  const passed = [{ file: 'test/a.test.ts', title: 'a', passed: true, own: true }]
  const failed = [...passed, { file: 'test/b.test.ts', title: 'b', passed: false, own: true }]

  test.each<[string, Requirement, Parameters<typeof missingFrom>[0]['tests'], number]>([
    ['a SHALL without a test', row({}), new Map(), 1],
    ['a row of certification', row({ level: 'ONC' }), new Map(), 1],
    ['a row of a test suite', row({ level: 'INF' }), new Map(), 1],
    ['one whose test fails', row({}), new Map([['SM-001', failed]]), 1],
    ['one with a test', row({}), new Map([['SM-001', passed]]), 0],
    ['a SHOULD', row({ level: 'SHOULD' }), new Map(), 0],
    ['a SHALL that it shares', row({ duty: 'shared' }), new Map(), 1],
    ['the duty of a FHIR server', row({ duty: 'fhir-server' }), new Map(), 0]
  ])('%s', (_what, requirement, tests, expected) => {
    expect(missingFrom({ requirements: [requirement], tests })).toHaveLength(expected)
  })

  test('a failed test and an unknown id are named', () => {
    const tests = new Map([
      ['SM-001', failed],
      ['SM-999', passed]
    ])
    expect(complaintsAbout({ requirements: [row({})], tests })).toEqual([
      'SM-001: failed: test/b.test.ts: b',
      'SM-999 is no requirement: test/a.test.ts: a'
    ])
  })

  test('a row that must be shown and that no test names is told, with what it asks for', () => {
    expect(complaintsAbout({ requirements: [row({ level: 'ONC' })], tests: new Map() })).toEqual([
      'SM-001 (ONC) is shown by no test: something'
    ])
  })

  test('a page is stale in the rows that differ, are gone or are new', () => {
    const page = (titles: [id: string, title: string][]) =>
      conformancePage({
        requirements: titles.map(([id]) => row({ id, level: 'MAY' })),
        tests: new Map(titles.map(([id, title]) => [id, [{ file: 'test/a.test.ts', title, passed: true, own: true }]]))
      })
    const made = page([
      ['SM-001', 'a'],
      ['SM-002', 'b'],
      ['SM-003', 'c']
    ])
    expect(staleRows(made, made)).toEqual([])
    const old = page([
      ['SM-001', 'a'],
      ['SM-002', 'other'],
      ['SM-004', 'd']
    ])
    expect(staleRows(old, made)).toEqual(['SM-002', 'SM-003', 'SM-004'])
    expect(staleRows(made.replace('# Conformance', '# Conformity'), made)).toEqual(['line 1'])
  })

  test('the page does not depend on the order of the tests, nor on where or how fast they ran', () => {
    const tests = [
      { title: 'SM-001: a', fullName: 'on sqlite SM-001: a', status: 'passed', duration: 1 },
      { title: 'SM-001: b', fullName: 'on sqlite SM-001: b', status: 'passed', duration: 2 }
    ]
    const of = (files: string[], results: typeof tests) => {
      const testResults = files.map((name) => ({
        name: `/repository/${name}`,
        startTime: Math.random(),
        assertionResults: results
      }))
      return conformancePage({ requirements: [row({})], tests: shownBy({ testResults }, '/repository') })
    }
    const once = of(['test/a.test.ts', 'test/b.test.ts'], tests)
    expect(of(['test/b.test.ts', 'test/a.test.ts'], tests.toReversed())).toBe(once)
    // The flows run a second time, on a Cluster: the same file and the same names.
    const again = tests.map((one) => ({ ...one, fullName: one.fullName.replace('sqlite', 'redis-cluster') }))
    expect(of(['test/a.test.ts', 'test/b.test.ts', 'test/a.test.ts'], [...tests, ...again])).toBe(once)
  })

  test('a row tells its tests, and no character of a name breaks the table', () => {
    const tests = new Map([
      ['SM-001', ['a|b', 'c\u202ed', 'e'].map((title) => ({ file: 'test/a.test.ts', title, passed: true, own: true }))]
    ])
    expect(conformancePage({ requirements: [row({})], tests })).toContain(
      '| SM-001 | SHALL | authorization-server | something | somewhere | [a.test.ts](../test/a.test.ts): a\\|b; c·d, and 1 more |'
    )
  })
})

describe('the check at the end of npm test', () => {
  test('complains of every row that must be shown where no test ran, and of a page that says otherwise', () => {
    const { complaints, stale, summary } = conformanceOf({ testResults: [] }, root)
    const required = requirements.filter(isRequired).map(({ id }) => id)
    expect(complaints.map((complaint) => complaint.slice(0, 6))).toEqual(required)
    expect(stale).toEqual(expect.arrayContaining(required))
    expect(summary).toContain(`${required.length} of them not shown`)
  })

  test('needs a report', () => {
    expect(() => conformanceOf(undefined, root)).toThrow()
  })

  test('names stale rows, in a line that can be read', () => {
    expect(staleComplaint(['SM-001', 'SM-002'])).toMatch(/: SM-001, SM-002$/)
    const all = Array.from({ length: 40 }, (_, at) => `SM-${String(at + 1).padStart(3, '0')}`)
    expect(staleComplaint(all)).toMatch(/SM-012, and 28 more$/)
  })
})
