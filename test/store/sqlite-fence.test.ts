/** D9 for the embedded store: a file that was restored is not the one that was written to last. */
import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDriver } from '../../src/store/open-store.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyward-fence-'))
  file = join(folder, 'keyward.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Opens and closes it, as one run of a process does. */
async function run(): Promise<{ notBefore: number; why: string[] }> {
  const driver = await openDriver(`sqlite:${file}`, { now: Date.now })
  const why: string[] = []
  driver.fence.onRaised((news) => why.push(news.why))
  await driver.close()
  return { notBefore: driver.fence.notBefore(), why }
}

test('a new file raises none that a code of this minute would meet, and a later start finds it as it is', async () => {
  const first = await run()
  expect(first.why).toEqual(['new'])
  expect(first.notBefore).toBeLessThan(Date.now() - 29_000)
  expect(await run()).toEqual({ notBefore: first.notBefore, why: [] })
})

test('a file that was restored raises it once, and what is issued after the start does not look older', async () => {
  await run()
  copyFileSync(file, `${file}.backup`)
  await run()
  rmSync(file)
  renameSync(`${file}.backup`, file)
  const restored = Date.now()
  const first = await run()
  expect(first.why).toEqual(['other-server'])
  expect(first.notBefore).toBeGreaterThan(restored)
  expect(Math.floor(Date.now() / 1000) * 1000).toBeGreaterThanOrEqual(first.notBefore)
  expect(await run()).toEqual({ notBefore: first.notBefore, why: [] })
})

test('a file of a release without a fence is taken for a restored one at most once', async () => {
  const driver = await openDriver(`sqlite:${file}`, { now: Date.now })
  await driver.close()
  const { DatabaseSync } = await import('node:sqlite')
  const db = new DatabaseSync(file)
  db.exec('DROP TABLE fence')
  db.close()
  expect((await run()).why).toEqual(['new'])
  expect((await run()).why).toEqual([])
})
