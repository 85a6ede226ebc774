/** How the HTTP server ends its work towards whoever has asked for several things on one connection. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { createHttpServer, drainable } from '../../../src/web/http-server.ts'
import { freePort } from '../../harness/free-port.ts'

const ended: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0)) await end()
})

/** A server whose answers wait until they are let go, and what has arrived of them over one connection. */
async function asking(requests: readonly string[]) {
  const waiting = new Map<string, ServerResponse>()
  const server = createHttpServer((req, res) => void waiting.set(String(req.url), res))
  const { drain } = drainable(server)
  const port = await freePort()
  await once(server.listen(port, '127.0.0.1'), 'listening')
  ended.push(() => server.close())
  const socket = connect(port, '127.0.0.1')
  ended.push(() => socket.destroy())
  let said = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    said += text
  })
  const closed = once(socket, 'close')
  socket.write(requests.map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(''))
  await vi.waitUntil(() => waiting.size === requests.length)
  return { drain, closed, said: () => said, answer: (path: string) => waiting.get(path)?.end(`answer to ${path}`) }
}

const TIMES = { delay: 0, patience: 10_000 }

test('F12: of two requests that came together before the end, both are answered, and the last one ends the connection', async () => {
  const { drain, closed, said, answer } = await asking(['/one', '/two'])
  const drained = drain(TIMES)
  answer('/one')
  await vi.waitUntil(() => said().includes('answer to /one'))
  answer('/two')
  await closed
  expect(said()).toContain('answer to /two')
  expect(said().match(/^connection: close/gim)).toHaveLength(1)
  expect(await drained).toBe(true)
})

test('F12: the answer that was under way ends its connection', async () => {
  const { drain, closed, said, answer } = await asking(['/only'])
  const drained = drain(TIMES)
  answer('/only')
  await closed
  expect(said()).toMatch(/^connection: close/im)
  expect(said()).toContain('answer to /only')
  expect(await drained).toBe(true)
})

test('whoever is answered leaves nothing behind: a connection is ended after its last answer without being waited for', async () => {
  const { drain, closed, said, answer } = await asking(['/kept'])
  answer('/kept')
  await vi.waitUntil(() => said().includes('answer to /kept'))
  expect(said()).not.toMatch(/^connection: close/im)
  expect(await drain(TIMES)).toBe(true)
  await closed
})
