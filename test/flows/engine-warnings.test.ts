import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { introspect } from '../harness/app-client.ts'
import { type Keyward, startKeyward } from '../harness/keyward.ts'
import { newVisit, withoutSecondFactor } from '../harness/visit.ts'

// What the engine has to say about how it is used goes to the console, past our log: it has nothing to say.
const printed: string[] = []
let keyward: Keyward
beforeAll(async () => {
  for (const level of ['log', 'info', 'warn', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation((...words) => void printed.push(words.join(' ')))
  }
  keyward = await startKeyward({ change: withoutSecondFactor })
})
afterAll(async () => {
  await keyward.stop()
  vi.restoreAllMocks()
})

test('the engine prints no warning, neither at the start nor in a launch from its beginning to its end', async () => {
  const visit = newVisit(keyward)
  const { access, refresh } = await visit.tokens()
  expect((await visit.app.refresh(refresh, { client_id: undefined })).status).toBe(200)
  expect((await visit.app.revoke(access)).status).toBe(200)
  expect((await introspect(keyward.issuer, access)).body.active).toBe(false)
  expect(printed).toEqual([])
})
