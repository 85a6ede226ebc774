import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Source } from './sources.ts'
import { root, sourcesUnder } from './sources.ts'

const FORBIDDEN = new Set([
  'utils',
  'util',
  'helpers',
  'helper',
  'lib',
  'common',
  'shared',
  'types',
  'constants',
  'services',
  'misc'
])
const LONGEST = 300
const WRITTEN = /\.(ts|js|css|eta|html)$/

function problemsOf(sources: readonly Source[]): string[] {
  return sources.flatMap(({ file, text }) => {
    const vague = file.split('/').find((part) => FORBIDDEN.has(part.split('.')[0] ?? ''))
    const lines = text.replace(/\n$/, '').split('\n').length
    return [
      ...(vague === undefined ? [] : [`${file}: ${vague} says nothing about what is in it`]),
      ...(/^index\.[tj]s$/.test(basename(file)) ? [`${file}: import the file that defines the thing`] : []),
      ...(WRITTEN.test(file) && lines > LONGEST ? [`${file}: ${lines} lines, more than ${LONGEST}`] : [])
    ]
  })
}

test('no barrel, no vague name, no file over 300 lines', () => {
  const folders = ['src', 'views', 'demo', 'test', 'config', 'bench'].filter((folder) => existsSync(join(root, folder)))
  expect(problemsOf(sourcesUnder(...folders))).toEqual([])
})

describe('a planted one is found', () => {
  test.each([
    ['src/store/index.ts', '', 'import the file that defines the thing'],
    ['src/utils/text.ts', '', 'utils says nothing'],
    ['src/web/helpers.ts', '', 'helpers.ts says nothing'],
    ['test/flows/common.test.ts', '', 'common.test.ts says nothing'],
    ['views/style.css', 'a\n'.repeat(301), '301 lines, more than 300']
  ])('%s', (file, text, problem) => {
    expect(problemsOf([{ file, text }])).toEqual([expect.stringContaining(problem)])
  })

  test('300 lines are not too long', () => {
    expect(problemsOf([{ file: 'src/a.ts', text: 'a\n'.repeat(300) }])).toEqual([])
  })
})

test('every file of src/ opens by saying what it is', () => {
  const silent = sourcesUnder('src').filter(({ file, text }) => file.endsWith('.ts') && !/\/\*\*/.test(text.slice(0, 1500)))
  expect(silent.map(({ file }) => file)).toEqual([])
})

test('the licence is there in full', () => {
  const text = readFileSync(join(root, 'LICENSE'), 'utf8')
  expect(text).toContain('Apache License\n                           Version 2.0, January 2004')
  expect(text).toContain('END OF TERMS AND CONDITIONS')
})
