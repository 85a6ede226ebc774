import { afterEach, beforeEach, expect, test } from 'vitest'
import { staticFiles } from '../../../src/web/static.ts'
import type { Served } from './app.ts'
import { ask, organization, serve, writeViews } from './app.ts'

let served: Served
beforeEach(async () => {
  const { viewsDir, remove } = writeViews()
  served = await serve({ routes: [staticFiles({ viewsDir, files: ['style.css'], branded: ['theme.css'], organization })] })
  remove()
})
afterEach(() => served.close())

test('serves the listed files with a strong tag, and 304 to who has it', async () => {
  const answer = await ask(served, '/style.css')
  expect(answer).toMatchObject({ status: 200, text: 'body { color: black }' })
  expect(answer.headers).toMatchObject({
    'content-type': 'text/css; charset=utf-8',
    'cache-control': 'public, max-age=300',
    etag: expect.stringMatching(/^"[\w-]{43}"$/)
  })
  const again = await ask(served, '/style.css', { headers: { 'If-None-Match': String(answer.headers.etag) } })
  expect(again).toMatchObject({ status: 304, text: '' })
})

test('prints the colours of the organization', async () => {
  expect((await ask(served, '/theme.css')).text).toBe(':root { --brand: #0b6e6e; }')
})

test.each(['/hello.eta', '/locales/en.json', '/../style.css', '/theme.css.eta', '/style.css/'])(
  'serves nothing else: %s',
  async (path) => {
    expect((await ask(served, path)).status).toBe(404)
  }
)
