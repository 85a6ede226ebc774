import { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { afterEach, expect, test, vi } from 'vitest'
import { gatherOn } from '../../src/store/gathered-writes.ts'
import { startRedis } from '../harness/redis-server.ts'
import { newId, newKind, openOn } from './engine.ts'

afterEach(() => vi.restoreAllMocks())

function recorded(): { stream: Writable; writes: string[] } {
  const writes: string[] = []
  const stream = new Writable({
    decodeStrings: false,
    writev(chunks, done) {
      writes.push(chunks.map(({ chunk }) => String(chunk)).join(''))
      done()
    },
    write(chunk, _encoding, done) {
      writes.push(String(chunk))
      done()
    }
  })
  gatherOn(stream)
  return { stream, writes }
}

test('what is written in one turn leaves in one write, in its order, what settled promises send included', async () => {
  const { stream, writes } = recorded()
  stream.write('a')
  void Promise.resolve().then(async () => {
    stream.write('c')
    await undefined
    stream.write('d')
  })
  stream.write('b')
  expect(writes).toEqual([])
  await new Promise(setImmediate)
  stream.write('e')
  await new Promise(setImmediate)
  expect(writes).toEqual(['abcd', 'e'])
})

test('what was written leaves before the stream ends', async () => {
  const { stream, writes } = recorded()
  stream.write('a')
  stream.end('b')
  await new Promise((resolve) => stream.once('finish', resolve))
  expect(writes.join('')).toBe('ab')
})

test('reads that are asked side by side reach Redis in one write', async () => {
  const server = await startRedis()
  const store = await openOn(server.url)
  const kind = newKind<string>()
  const ids = Array.from({ length: 20 }, newId)
  await Promise.all(ids.map((id) => store.put(kind, id, id)))
  const together = vi.spyOn(Socket.prototype, '_writev')
  expect(await Promise.all(ids.map((id) => store.get(kind, id)))).toEqual(ids)
  expect(together.mock.calls.map(([chunks]) => chunks.length)).toEqual([20])
  await store.close()
  await server.stop()
})
