import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { CHROMIUM, findTool } from '../../required-tools.ts'

test('a tool is found under any of its names, where PATH has an executable of that name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-tools-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true })
  })
  const path = ['/nowhere', folder].join(delimiter)
  const file = join(folder, 'chromium-browser')
  writeFileSync(file, '')
  chmodSync(file, 0o644)
  expect(findTool(CHROMIUM, path)).toBeUndefined()
  chmodSync(file, 0o755)
  expect(findTool(CHROMIUM, path)).toBe(file)
})
