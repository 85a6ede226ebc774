/** docs/security-cases.md: a row for each case of attack that a test names, in order, and each file that a row names is there. */
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { root, sourcesUnder } from './sources.ts'

const rows = readFileSync(join(root, 'docs/security-cases.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, id, files] = /^\| (F?\d+) \| (.*?) \| /.exec(line) ?? []
    return id === undefined || files === undefined ? [] : [{ id, files: files.match(/[\w/*-]+(?:\.[\w-]+)*\.ts\b/g) ?? [] }]
  })
const tests = sourcesUnder('test').filter(({ file }) => file.endsWith('.test.ts') && !file.startsWith('test/unit/structure/'))
/** The cases in the names of tests and of their groups: `case 4`, `cases 4, 5`. */
const casesOf = (text: string): string[] =>
  [...text.matchAll(/(?:test|describe)(?:\.\w+)?\(?[^'"`]*?['"`][^'"`]*?\bcases? (\d+(?:(?:, | and )\d+)*)/g)].flatMap(
    ([, numbers = '']) => numbers.match(/\d+/g) ?? []
  )

test('the rows are sorted, and none is there twice', () => {
  const order = rows.map(({ id }) => (id.startsWith('F') ? 1000 : 0) + Number(id.replace('F', '')))
  expect(order).toEqual([...new Set(order)].sort((one, other) => one - other))
  expect(order.length).toBeGreaterThan(100)
})

test('a case that a test names has a row', () => {
  const known = new Set(rows.map(({ id }) => id))
  const named = tests.flatMap(({ file, text }) => casesOf(text).map((id) => ({ id, file })))
  expect(named.length).toBeGreaterThan(200)
  expect(named.filter(({ id }) => !known.has(id))).toEqual([])
})

test('a row names files, which are there, and one of which names the case', () => {
  const texts = new Map(sourcesUnder('test').map(({ file, text }) => [basename(file), text]))
  const wrong = rows.filter(({ id, files }) => {
    const known = files.filter((file) => file.includes('*') || texts.has(basename(file)))
    const names = new RegExp(id.startsWith('F') ? `\\b${id}\\b` : `\\bcases? (?:\\d+, |\\d+ and )*${id}\\b`, 'i')
    return known.length === 0 || known.length < files.length || !files.some((file) => names.test(texts.get(basename(file)) ?? ''))
  })
  expect(wrong).toEqual([])
})
