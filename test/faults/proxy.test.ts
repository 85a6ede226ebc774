/** The proxy itself: each of its faults, as both ends of a connection see it. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FaultProxy, startFaultProxy } from './proxy.ts'

let echo: Server
let proxy: FaultProxy
let heard: string
const open = new Set<Socket>()

beforeEach(async () => {
  heard = ''
  echo = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      heard += chunk
      socket.write(chunk)
    })
  }).listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const address = echo.address()
  if (!address || typeof address === 'string') throw new Error('the echo has no port')
  proxy = await startFaultProxy(address.port)
})
afterEach(async () => {
  for (const socket of open) socket.destroy()
  await proxy.stop()
  echo.close()
})

async function client(): Promise<{ socket: Socket; received: () => string }> {
  const socket = connect(proxy.port, '127.0.0.1')
  open.add(socket)
  let received = ''
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    received += chunk
  })
  await once(socket, 'connect')
  return { socket, received: () => received }
}

test('pass: everything goes through, and is counted', async () => {
  const { socket, received } = await client()
  socket.write('hello')
  await expect.poll(received).toBe('hello')
  expect(proxy.bytes).toEqual({ request: 5, reply: 5 })
})

test('delay: it comes late', async () => {
  proxy.delay(100)
  const { socket, received } = await client()
  const started = performance.now()
  socket.write('hello')
  await expect.poll(received, { interval: 5 }).toBe('hello')
  expect(performance.now() - started).toBeGreaterThan(190)
})

test('cut after n bytes: so many arrive, then the connection ends, and a new one works', async () => {
  const { socket, received } = await client()
  proxy.cutAfter(3, 'request')
  socket.write('hello')
  await once(socket, 'close')
  expect({ heard, received: received(), cut: proxy.hasCut() }).toEqual({ heard: 'hel', received: '', cut: true })
  const next = await client()
  next.socket.write('again')
  await expect.poll(next.received).toBe('again')
})

test('cut in the reply: the server has heard all of it', async () => {
  const { socket, received } = await client()
  proxy.cutAfter(3, 'reply')
  socket.write('hello')
  await once(socket, 'close')
  expect({ heard, received: received() }).toEqual({ heard: 'hello', received: 'hel' })
})

test('black hole: nothing comes and nothing ends; where only existing connections are meant, a new one works', async () => {
  const { socket, received } = await client()
  socket.write('hello')
  await expect.poll(received).toBe('hello')
  proxy.blackHole('existing')
  socket.write('lost')
  const next = await client()
  next.socket.write('new')
  await expect.poll(next.received).toBe('new')
  expect({ heard, received: received(), open: !socket.destroyed }).toEqual({ heard: 'hellonew', received: 'hello', open: true })
})

test('reset: connections end by an error, new ones too', async () => {
  const { socket } = await client()
  const error = once(socket, 'error').catch((problem) => [problem])
  socket.write('hello')
  await expect.poll(() => heard).toBe('hello')
  proxy.reset()
  expect((await error)[0]).toMatchObject({ code: 'ECONNRESET' })
  const next = connect(proxy.port, '127.0.0.1')
  expect((await once(next, 'error'))[0]).toMatchObject({ code: 'ECONNRESET' })
})
