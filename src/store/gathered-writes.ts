/**
 * Lets the commands that are sent in one turn of the event loop leave in one write, those of all requests that the turn has
 * heard from. ioredis writes each by itself, and a write is a call of the system, the larger part of what a command costs this
 * process. They leave as soon as everything that has arrived was looked at; what is sent, and its order, stay the same.
 */
import type { Writable } from 'node:stream'
import type { Redis } from 'ioredis'

/** Now and each time that it connects anew. */
export function gatherWrites(server: Redis): void {
  server.on('connect', () => gatherOn(server.stream))
}

export function gatherOn(stream: Writable): void {
  const { write } = stream
  let gathering = false
  const leave = () => {
    gathering = false
    stream.uncork()
  }
  Object.defineProperty(stream, 'write', {
    configurable: true,
    // Node puts another in its place once the peer has ended.
    writable: true,
    value(...chunk: Parameters<Writable['write']>) {
      if (!gathering) {
        gathering = true
        stream.cork()
        // After all that has arrived by now: each answer, and each new request, may send more.
        setImmediate(leave)
      }
      return Reflect.apply(write, stream, chunk)
    }
  })
}
