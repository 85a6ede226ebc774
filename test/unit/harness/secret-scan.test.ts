/** Cases 141 and 147: the search that follows the whole suite finds a planted secret in each form, and names it nowhere. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keptIn, secretsIn } from '../../harness/run-folder.ts'
import { newSearch, scanFolder, scanRun } from '../../secret-scan.ts'

const CANARY = 'kw_at_9fQ2+canary/with:signs & "quotes" é'
const secrets = [
  { kind: 'access token' as const, value: CANARY },
  { kind: 'password' as const, value: 'correct horse battery staple' },
  ...Array.from({ length: 500 }, (_, at) => ({ kind: 'cookie' as const, value: `another-secret-${at}-${at * 7919}` }))
]
const bytes = Buffer.from(CANARY)
const hex = bytes.toString('hex')

const planted: [string, string][] = [
  ['plain', CANARY],
  ['hexadecimal', hex],
  ['hexadecimal', hex.toUpperCase()],
  ['percent-encoded', encodeURIComponent(CANARY)],
  ['percent-encoded', new URLSearchParams({ token: CANARY }).toString()],
  ['percent-encoded', hex.replace(/../g, '%$&')],
  ['JSON', JSON.stringify({ token: CANARY })]
]
for (const before of ['', 'a', 'ab', 'abc'])
  for (const after of ['', 'x', 'xy']) {
    const text = Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)])
    planted.push(['base64', text.toString('base64')], ['base64', text.toString('base64url')])
  }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyward-scan-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('finds a secret', () => {
  test.each(planted)('%s: %s', (form, text) => {
    const search = newSearch(secrets)
    expect(search(Buffer.from(`before ${text} after`))).toContainEqual({ kind: 'access token', form })
    expect(search(Buffer.from(text))).toContainEqual({ kind: 'access token', form })
    expect(search(Buffer.from(text.slice(0, -12)))).toEqual([])
  })

  test('in a file of any folder, also where pieces of a long file meet', () => {
    mkdirSync(join(folder, 'redis', 'appendonlydir'), { recursive: true })
    writeFileSync(join(folder, 'redis', 'appendonlydir', 'a.aof'), Buffer.concat([Buffer.alloc(999, 7), bytes]))
    const meeting = Buffer.alloc(33 * 1024 * 1024, 65)
    bytes.copy(meeting, 32 * 1024 * 1024 - 9)
    writeFileSync(join(folder, 'long.log'), meeting)
    writeFileSync(join(folder, 'keyward.yaml'), `password: ${CANARY}`)
    const { findings } = scanFolder(folder, secrets)
    expect(findings.sort((one, other) => (one.file < other.file ? -1 : 1))).toEqual([
      { file: 'long.log', kind: 'access token', form: 'plain' },
      { file: 'redis/appendonlydir/a.aof', kind: 'access token', form: 'plain' }
    ])
  })
})

test('a run that wrote a secret fails with a line that does not hold it; so does one that left nothing to search', () => {
  mkdirSync(keptIn(folder))
  mkdirSync(secretsIn(folder))
  writeFileSync(join(secretsIn(folder), '1.jsonl'), `${JSON.stringify(['access token', CANARY])}\n`)
  writeFileSync(join(keptIn(folder), 'keyward.log'), `{"token":${JSON.stringify(CANARY)}}\n`)
  const said: string[] = []
  const problems = scanRun(folder, (line) => said.push(line))
  expect(problems).toContain('access token, JSON, in keyward.log')
  expect(problems).toContain('no client assertion was noted to search for')
  expect(problems).toContain("Redis's log of writes is not among the files")
  expect([...problems, ...said].join('\n')).not.toContain('canary')
  expect(said).toEqual([expect.stringMatching(/^Searched 1 files, 0 MB, for 1 secrets/)])

  rmSync(keptIn(folder), { recursive: true })
  expect(scanRun(folder, () => undefined)).toContain('no server has left anything to search')
})
